#include "base/byte_source.h"

#include <gtest/gtest.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "base/error.h"
#include "base/random.h"

namespace maru {
namespace {

struct Scratch {
  fs::path path = fs::temp_directory_path() / ("maru_source_" + std::to_string(::getpid()));
  ~Scratch() { fs::remove(path); }
};

std::string sample() {
  std::string text;
  Random random(7);
  for (int i = 0; i < 40000; ++i) text += "줄 " + std::to_string(random.below(1000)) + (i % 3 == 0 ? "\r\n" : "\n");
  return text;
}

std::string zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

std::string xz(const std::string& text) {
  std::string out(lzma_stream_buffer_bound(text.size()), '\0');
  size_t n = 0;
  EXPECT_EQ(LZMA_OK,
            lzma_easy_buffer_encode(1, LZMA_CHECK_CRC64, nullptr, reinterpret_cast<const uint8_t*>(text.data()),
                                    text.size(), reinterpret_cast<uint8_t*>(out.data()), &n, out.size()));
  out.resize(n);
  return out;
}

std::string gzip(const std::string& text) {
  z_stream s{};
  EXPECT_EQ(Z_OK, deflateInit2(&s, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY));
  std::string out(deflateBound(&s, text.size()), '\0');
  s.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  s.avail_in = static_cast<uInt>(text.size());
  s.next_out = reinterpret_cast<Bytef*>(out.data());
  s.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(Z_STREAM_END, deflate(&s, Z_FINISH));
  out.resize(s.total_out);
  deflateEnd(&s);
  return out;
}

std::string drain(const fs::path& path) {
  const auto source = open_source(path);
  std::string all, part(1000, '\0');
  while (const size_t n = source->read(part.data(), part.size())) all.append(part, 0, n);
  return all;
}

TEST(ByteSource, ReadsEveryCompressionAlike) {
  Scratch scratch;
  const std::string text = sample();
  for (const std::string& bytes :
       {text, zstd(text), xz(text), gzip(text), gzip(text.substr(0, 99)) + gzip(text.substr(99))}) {
    write_file(scratch.path, bytes);
    EXPECT_EQ(text, drain(scratch.path));
  }
}

TEST(ByteSource, NamesTheFileWhenItIsCutOff) {
  Scratch scratch;
  for (const std::string& bytes : {zstd(sample()), xz(sample()), gzip(sample())}) {
    write_file(scratch.path, bytes.substr(0, bytes.size() / 2));
    try {
      drain(scratch.path);
      FAIL() << "a truncated file was accepted";
    } catch (const Failure& e) {
      EXPECT_EQ(ErrorCode::kDataLoss, e.code());
      EXPECT_NE(std::string::npos, e.error().message.find(scratch.path.string()));
    }
  }
}

TEST(LineReader, SplitsAcrossBufferBoundaries) {
  Scratch scratch;
  const std::string long_line(3 << 18, 'x');
  write_file(scratch.path, "a\n\n" + long_line + "\r\nlast");
  LineReader lines(scratch.path);
  EXPECT_EQ("a", lines.next());
  EXPECT_EQ("", lines.next());
  EXPECT_EQ(long_line, lines.next());
  EXPECT_EQ("last", lines.next());
  EXPECT_EQ(4, lines.line_number());
  EXPECT_EQ(std::nullopt, lines.next());
}

TEST(LineReader, RefusesALineOverTheLimit) {
  Scratch scratch;
  write_file(scratch.path, "ok\n" + std::string(1 << 20, 'x'));
  LineReader lines(scratch.path, 1000);
  EXPECT_EQ("ok", lines.next());
  EXPECT_THROW(lines.next(), Failure);
}

}  // namespace
}  // namespace maru
