// How much memory a build takes for each document: counted, not timed.
#include <gtest/gtest.h>
#include <malloc.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <new>

#include "base/random.h"
#include "data/build.h"
#include "data/hash_set.h"

namespace {

std::atomic<int64_t> held{0}, most_held{0};

void* counted(void* p) {
  if (p == nullptr) throw std::bad_alloc();
  const int64_t now = held += static_cast<int64_t>(malloc_usable_size(p));
  for (int64_t most = most_held; most < now && !most_held.compare_exchange_weak(most, now);) {
  }
  return p;
}

void release(void* p) {
  if (p != nullptr) held -= static_cast<int64_t>(malloc_usable_size(p));
  std::free(p);
}

}  // namespace

// Of this whole test program.
void* operator new(size_t size) { return counted(std::malloc(size)); }
void* operator new(size_t size, const std::nothrow_t&) noexcept { return counted(std::malloc(size)); }
void* operator new(size_t size, std::align_val_t alignment) {
  const auto a = static_cast<size_t>(alignment);
  return counted(std::aligned_alloc(a, (size + a - 1) / a * a));
}
void operator delete(void* p) noexcept { release(p); }
void operator delete(void* p, size_t) noexcept { release(p); }
void operator delete(void* p, std::align_val_t) noexcept { release(p); }
void operator delete(void* p, size_t, std::align_val_t) noexcept { release(p); }

namespace maru::data {
namespace {

TEST(HashSetMemory, IsAtMostTwiceItsKeys) {
  Random random(2);
  const int64_t before = held;
  HashSet<Hash128> set;
  for (int64_t i = 1; i <= 300'000; ++i) {
    set.insert({random.next(), random.next()});
    const bool looked_at = i > 20'000 && i % 1000 == 0;
    ASSERT_TRUE(!looked_at || held - before <= 32 * i) << i << " keys in " << held - before << " bytes";
  }
}

class BuildMemory : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(root_); }
  void TearDown() override { fs::remove_all(root_); }

  /// The most bytes that building `documents` short texts held at once, beyond what was held before.
  int64_t peak(int documents, BuildConfig config) {
    const fs::path file = root_ / "lines.jsonl";
    std::ofstream lines(file);
    Random random(static_cast<uint64_t>(documents));
    for (int i = 0; i < documents; ++i) lines << "{\"text\": \"" << random.next() << " " << random.next() << "\"}\n";
    lines.close();
    config.inputs = {{file.string()}};
    config.quality.enabled = config.pii.enabled = false;
    BuildOptions options{.output = root_ / "dataset", .force = true};
    options.identify = [](std::string_view) { return text::LanguageGuess{"ko", 0.9}; };
    ThreadPool pool(2);
    const int64_t before = held;
    most_held = before;
    const BuildResult built = build_dataset(config, options, pool);
    return most_held - before;
  }
  double bytes_per_document(const BuildConfig& config) {
    constexpr int kFew = 30'000, kMany = 90'000;  // both beyond where the buffers of files have grown
    return static_cast<double>(peak(kMany, config) - peak(kFew, config)) / (kMany - kFew);
  }
  const fs::path root_ = fs::temp_directory_path() / ("maru_build_memory_" + std::to_string(::getpid()));
};

TEST_F(BuildMemory, IsTensOfBytesPerDocument) {
  const double bytes = bytes_per_document({});
  RecordProperty("bytes_per_document", std::to_string(bytes));
  EXPECT_LT(bytes, 60);
}

TEST_F(BuildMemory, OfParagraphsIsTensOfBytesPerParagraph) {
  BuildConfig config;
  config.duplicates.paragraphs = true;
  config.duplicates.paragraph_min_characters = 1;
  config.duplicates.near = false;
  EXPECT_LT(bytes_per_document(config), 80);
}

}  // namespace
}  // namespace maru::data
