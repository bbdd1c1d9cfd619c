#include "eval/compress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/error.h"
#include "base/file.h"
#include "base/cancel.h"
#include "base/random.h"

namespace maru::eval {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

std::string noise(size_t size, uint64_t seed) {
  Random random(seed);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random.below(256));
  return text;
}

TEST(Compress, SeenTextCostsNothingAndNoiseEightBits) {
  const std::string training = noise(200'000, 1);
  for (const CompressionBaseline& one : compression_baselines(training, training.substr(50'000, 100'000))) {
    EXPECT_LT(one.bits_per_byte, 0.05) << one.name;
    EXPECT_GT(one.alone, training.size()) << one.name;
    EXPECT_GT(one.memory, 0u);
    EXPECT_THAT(one.note, IsEmpty());
  }
  for (const CompressionBaseline& one : compression_baselines(training, noise(100'000, 2)))
    EXPECT_NEAR(one.bits_per_byte, 8, 0.05) << one.name;
}

TEST(Compress, WithoutTrainingTextItIsThePlainSize) {
  for (const CompressionBaseline& one : compression_baselines("", noise(10'000, 3))) {
    EXPECT_EQ(one.training, 0u);
    EXPECT_NEAR(one.bits_per_byte, 8, 0.2) << one.name;
  }
}

TEST(Compress, TheLimitKeepsTheLastBytesAndSaysSo) {
  const std::string seen = noise(50'000, 4), training = noise(50'000, 5) + seen;
  CompressionOptions options;
  options.max_training_bytes = 50'000;
  for (const CompressionBaseline& one : compression_baselines(training, seen, options)) {
    EXPECT_EQ(one.training, 50'000u);
    EXPECT_LT(one.bits_per_byte, 0.2) << one.name;
    EXPECT_THAT(one.note, HasSubstr("48.8 KiB of 97.7 KiB")) << one.name;
  }
}

TEST(Compress, EmptyHeldOutTextIsRefused) { EXPECT_THROW(compression_baselines("x", ""), Failure); }

TEST(Compress, CanBeCancelled) {
  CancelToken cancel;
  cancel.cancel();
  try {
    compression_baselines("x", "y", {}, {.cancel = &cancel});
    ADD_FAILURE() << "went on";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), ErrorCode::kCancelled);
  }
}

// The same bytes as the command line tools write.
TEST(Compress, SizesAreThoseOfTheTools) {
  if (std::system("xz --version > /dev/null 2>&1 && zstd --version > /dev/null 2>&1") != 0)
    GTEST_SKIP() << "the tools xz and zstd are absent";
  const fs::path path = fs::temp_directory_path() / "compress_test.txt";
  std::string text;
  Random random(6);
  while (text.size() < 400'000) text += "word" + std::to_string(random.below(5000)) + " ";
  write_file(path, text);
  const auto size_of = [&](const std::string& command) {
    const fs::path output = path.string() + ".out";
    EXPECT_EQ(std::system((command + " " + path.string() + " > " + output.string()).c_str()), 0) << command;
    const uint64_t size = fs::file_size(output);
    fs::remove(output);
    return size;
  };
  const std::vector<CompressionBaseline> results = compression_baselines(text, "x");
  EXPECT_EQ(results[0].alone, size_of("xz -9e -T1 -c"));
  EXPECT_EQ(results[1].alone, size_of("zstd -q -19 --long=31 --single-thread -c"));
  fs::remove(path);
}

}  // namespace
}  // namespace maru::eval
