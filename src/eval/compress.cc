#include "eval/compress.h"

#include <fmt/format.h>
#include <lzma.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <memory>

#include "base/error.h"
#include "base/progress.h"

namespace maru::eval {
namespace {

constexpr size_t kChunkBytes = 1 << 20;

// A compressor whose output is only counted. Both give the bytes of their command line tool reading a file, so the
// sizes can be checked from outside.
class SizeCounter {
 public:
  virtual ~SizeCounter() = default;
  virtual void add(std::string_view text) = 0;
  virtual void finish() = 0;
  virtual uint64_t memory() const = 0;
  uint64_t size() const { return size_; }

 protected:
  uint64_t size_ = 0;
};

class XzCounter : public SizeCounter {
 public:
  explicit XzCounter(uint64_t total) {
    CHECK(!lzma_lzma_preset(&options_, 9 | LZMA_PRESET_EXTREME));
    options_.dict_size =
        static_cast<uint32_t>(std::clamp<uint64_t>(std::bit_ceil(total), options_.dict_size, kMostDictionary));
    filters_ = {{{LZMA_FILTER_LZMA2, &options_}, {LZMA_VLI_UNKNOWN, nullptr}}};
    require(lzma_stream_encoder(&stream_, filters_.data(), LZMA_CHECK_CRC64));
  }
  ~XzCounter() override { lzma_end(&stream_); }
  XzCounter(const XzCounter&) = delete;

  void add(std::string_view text) override {
    stream_.next_in = reinterpret_cast<const uint8_t*>(text.data());
    stream_.avail_in = text.size();
    while (stream_.avail_in > 0) require(code(LZMA_RUN));
  }
  void finish() override {
    lzma_ret status = LZMA_OK;
    while (status != LZMA_STREAM_END) require(status = code(LZMA_FINISH));
  }
  uint64_t memory() const override { return lzma_raw_encoder_memusage(filters_.data()); }

 private:
  static constexpr uint64_t kMostDictionary = uint64_t{3} << 29;  // liblzma's limit, 1.5 GiB

  lzma_ret code(lzma_action action) {
    stream_.next_out = output_.data();
    stream_.avail_out = output_.size();
    const lzma_ret status = lzma_code(&stream_, action);
    size_ += output_.size() - stream_.avail_out;
    return status;
  }
  void require(lzma_ret status) const {
    if (status == LZMA_MEM_ERROR)
      throw Failure(ErrorCode::kExhausted,
                    fmt::format("xz -9e: no memory; it needs {}", short_bytes(static_cast<double>(memory()))));
    CHECK(status == LZMA_OK || status == LZMA_STREAM_END);
  }
  lzma_options_lzma options_{};
  std::array<lzma_filter, 2> filters_{};
  lzma_stream stream_ = LZMA_STREAM_INIT;
  std::array<uint8_t, 1 << 16> output_{};
};

class ZstdCounter : public SizeCounter {
 public:
  explicit ZstdCounter(uint64_t total) : context_(ZSTD_createCCtx(), &ZSTD_freeCCtx), output_(ZSTD_CStreamOutSize()) {
    if (!context_) throw Failure(ErrorCode::kExhausted, "zstd: no memory for a context");
    set(ZSTD_c_compressionLevel, 19);
    set(ZSTD_c_windowLog, 31);
    set(ZSTD_c_enableLongDistanceMatching, 1);
    set(ZSTD_c_checksumFlag, 1);
    require(ZSTD_CCtx_setPledgedSrcSize(context_.get(), total));
  }

  void add(std::string_view text) override {
    ZSTD_inBuffer input{text.data(), text.size(), 0};
    while (input.pos < input.size) code(input, ZSTD_e_continue);
  }
  void finish() override {
    ZSTD_inBuffer input{nullptr, 0, 0};
    while (code(input, ZSTD_e_end) > 0) {
    }
  }
  uint64_t memory() const override { return ZSTD_sizeof_CCtx(context_.get()); }

 private:
  void set(ZSTD_cParameter parameter, int value) { require(ZSTD_CCtx_setParameter(context_.get(), parameter, value)); }
  size_t code(ZSTD_inBuffer& input, ZSTD_EndDirective directive) {
    ZSTD_outBuffer output{output_.data(), output_.size(), 0};
    const size_t left = ZSTD_compressStream2(context_.get(), &output, &input, directive);
    require(left);
    size_ += output.pos;
    return left;
  }
  static void require(size_t result) {
    if (ZSTD_isError(result))
      throw Failure(ErrorCode::kExhausted, fmt::format("zstd -19 --long=31: {}", ZSTD_getErrorName(result)));
  }
  std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context_;
  std::vector<char> output_;
};

void feed(SizeCounter& counter, std::string_view text, Progress& progress, const Watch& watch) {
  for (; !text.empty(); text.remove_prefix(std::min(kChunkBytes, text.size()))) {
    watch.throw_if_cancelled();
    counter.add(text.substr(0, kChunkBytes));
    progress.add(std::min(kChunkBytes, text.size()));
  }
}

template <class Counter>
CompressionBaseline measure(const std::string& name, std::string_view training, std::string_view held_out,
                            const Watch& watch) {
  CompressionBaseline result{.name = name, .training = training.size(), .held_out = held_out.size()};
  Progress progress(watch, name, 2 * training.size() + held_out.size(), "bytes");
  const auto size = [&](std::string_view more) {
    Counter counter(training.size() + more.size());
    feed(counter, training, progress, watch);
    feed(counter, more, progress, watch);
    counter.finish();
    result.memory = std::max(result.memory, counter.memory());
    return counter.size();
  };
  result.alone = size("");
  result.together = size(held_out);
  const double added = static_cast<double>(result.together) - static_cast<double>(result.alone);
  result.bits_per_byte = 8 * added / static_cast<double>(held_out.size());
  return result;
}

}  // namespace

std::vector<CompressionBaseline> compression_baselines(std::string_view training, std::string_view held_out,
                                                       const CompressionOptions& options, const Watch& watch) {
  if (held_out.empty()) throw Failure(ErrorCode::kInvalidArgument, "[compress] the held-out text is empty");
  const size_t all = training.size(), used = std::min<size_t>(all, static_cast<size_t>(options.max_training_bytes));
  training.remove_prefix(all - used);
  std::vector<CompressionBaseline> results{measure<XzCounter>("xz -9e", training, held_out, watch),
                                           measure<ZstdCounter>("zstd -19 --long=31", training, held_out, watch)};
  for (CompressionBaseline& one : results)
    if (used < all)
      one.note =
          fmt::format("read only the last {} of {} of training text: max_training_bytes bounds its time and memory",
                      short_bytes(static_cast<double>(used)), short_bytes(static_cast<double>(all)));
  return results;
}

}  // namespace maru::eval
