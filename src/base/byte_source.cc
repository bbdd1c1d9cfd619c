#include "base/byte_source.h"

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <array>
#include <vector>

#include "base/error.h"

namespace maru {
namespace {

constexpr size_t kChunk = 1 << 18;

[[noreturn]] void corrupt(const fs::path& path, const std::string& why) {
  throw Failure(ErrorCode::kDataLoss, path.string() + ": " + why);
}

class PlainSource final : public ByteSource {
 public:
  explicit PlainSource(const fs::path& path) : file_(path) {}
  size_t read(char* to, size_t size) override { return file_.read(to, size); }

 private:
  InputFile file_;
};

/// What the three decompressors share: an input buffer that refills from the file.
class CompressedSource : public ByteSource {
 public:
  explicit CompressedSource(const fs::path& path) : path_(path), file_(path), input_(kChunk) {}

 protected:
  /// Refills when everything was consumed; false at the end of the file.
  bool refill() {
    if (used_ < filled_) return true;
    filled_ = file_.read(input_.data(), input_.size());
    used_ = 0;
    return filled_ > 0;
  }
  char* at() { return input_.data() + used_; }
  size_t left() const { return filled_ - used_; }
  void consume(size_t n) { used_ += n; }
  const fs::path path_;

 private:
  InputFile file_;
  std::vector<char> input_;
  size_t used_ = 0, filled_ = 0;
};

class ZstdSource final : public CompressedSource {
 public:
  explicit ZstdSource(const fs::path& path) : CompressedSource(path) {
    ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, 31);
  }
  size_t read(char* to, size_t size) override {
    ZSTD_outBuffer out{to, size, 0};
    while (out.pos == 0) {
      if (!refill()) {
        if (inside_frame_) corrupt(path_, "zstd data ends in the middle of a frame");
        break;
      }
      ZSTD_inBuffer in{at(), left(), 0};
      const size_t hint = ZSTD_decompressStream(context_.get(), &out, &in);
      if (ZSTD_isError(hint)) corrupt(path_, std::string("corrupt zstd data: ") + ZSTD_getErrorName(hint));
      inside_frame_ = hint != 0;
      consume(in.pos);
    }
    return out.pos;
  }

 private:
  struct Free {
    void operator()(ZSTD_DCtx* c) const { ZSTD_freeDCtx(c); }
  };
  std::unique_ptr<ZSTD_DCtx, Free> context_{ZSTD_createDCtx()};
  bool inside_frame_ = false;
};

class GzipSource final : public CompressedSource {
 public:
  explicit GzipSource(const fs::path& path) : CompressedSource(path) { CHECK(inflateInit2(&stream_, 15 + 16) == Z_OK); }
  ~GzipSource() override { inflateEnd(&stream_); }
  size_t read(char* to, size_t size) override {
    stream_.next_out = reinterpret_cast<Bytef*>(to);
    stream_.avail_out = static_cast<uInt>(std::min<size_t>(size, 1u << 30));
    const uInt room = stream_.avail_out;
    while (stream_.avail_out == room) {
      if (!refill()) {
        if (inside_member_) corrupt(path_, "gzip data ends in the middle of a member");
        break;
      }
      step();
    }
    return room - stream_.avail_out;
  }

 private:
  void step() {
    if (!inside_member_) CHECK(inflateReset(&stream_) == Z_OK);
    inside_member_ = true;
    stream_.next_in = reinterpret_cast<Bytef*>(at());
    stream_.avail_in = static_cast<uInt>(left());
    const int status = inflate(&stream_, Z_NO_FLUSH);
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
      corrupt(path_, std::string("corrupt gzip data: ") + (stream_.msg != nullptr ? stream_.msg : "bad stream"));
    consume(left() - stream_.avail_in);
    inside_member_ = status != Z_STREAM_END;
  }
  z_stream stream_{};
  bool inside_member_ = false;
};

class XzSource final : public CompressedSource {
 public:
  explicit XzSource(const fs::path& path) : CompressedSource(path) {
    CHECK(lzma_stream_decoder(&stream_, uint64_t{1} << 31, LZMA_CONCATENATED) == LZMA_OK);
  }
  ~XzSource() override { lzma_end(&stream_); }
  size_t read(char* to, size_t size) override {
    stream_.next_out = reinterpret_cast<uint8_t*>(to);
    stream_.avail_out = size;
    while (stream_.avail_out == size && !ended_) {
      const bool more = refill();
      stream_.next_in = reinterpret_cast<uint8_t*>(at());
      stream_.avail_in = left();
      const lzma_ret status = lzma_code(&stream_, more ? LZMA_RUN : LZMA_FINISH);
      consume(left() - stream_.avail_in);
      if (status == LZMA_STREAM_END)
        ended_ = true;
      else if (status == LZMA_BUF_ERROR && !more)
        corrupt(path_, "xz data ends in the middle of a stream");
      else if (status != LZMA_OK)
        corrupt(path_, "corrupt xz data (liblzma code " + std::to_string(status) + ")");
    }
    return size - stream_.avail_out;
  }

 private:
  lzma_stream stream_ = LZMA_STREAM_INIT;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<ByteSource> open_source(const fs::path& path) {
  std::array<char, 6> magic{};
  const size_t n = InputFile(path).read(magic.data(), magic.size());
  const std::string_view head(magic.data(), n);
  if (head.starts_with("\x1f\x8b")) return std::make_unique<GzipSource>(path);
  if (head.starts_with("\x28\xb5\x2f\xfd")) return std::make_unique<ZstdSource>(path);
  if (head.starts_with(std::string_view("\xfd"
                                        "7zXZ\0",
                                        6)))
    return std::make_unique<XzSource>(path);
  return std::make_unique<PlainSource>(path);
}

LineReader::LineReader(const fs::path& path, size_t limit) : path_(path), source_(open_source(path)), limit_(limit) {}

bool LineReader::fill() {
  if (end_) return false;
  buffer_.erase(0, begin_);
  begin_ = 0;
  if (buffer_.size() > limit_)
    throw Failure(ErrorCode::kExhausted, path_.string() + ":" + std::to_string(line_number_ + 1) +
                                             ": line is longer than " + std::to_string(limit_) + " bytes");
  const size_t old = buffer_.size();
  buffer_.resize(old + kChunk);
  const size_t n = source_->read(buffer_.data() + old, kChunk);
  buffer_.resize(old + n);
  end_ = n == 0;
  return !end_;
}

std::optional<std::string_view> LineReader::next() {
  size_t searched = begin_, newline;
  while ((newline = buffer_.find('\n', searched)) == std::string::npos) {
    searched = buffer_.size() - begin_;  // where the search resumes once fill() has moved the rest to the front
    if (!fill()) break;
  }
  if (newline == std::string::npos && begin_ == buffer_.size()) return std::nullopt;
  const size_t stop = newline == std::string::npos ? buffer_.size() : newline;
  std::string_view line(buffer_.data() + begin_, stop - begin_);
  begin_ = newline == std::string::npos ? stop : newline + 1;
  ++line_number_;
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace maru
