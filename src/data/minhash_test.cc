#include "data/minhash.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <set>

#include "base/random.h"
#include "data/duplicates.h"

namespace maru::data {
namespace {

constexpr int kShingle = 7;

std::string random_text(Random& random, int characters) {
  std::string text;
  for (int i = 0; i < characters; ++i) {
    const uint32_t c = 0xAC00 + static_cast<uint32_t>(random.below(2000));
    text += {static_cast<char>(0xE0 | (c >> 12)), static_cast<char>(0x80 | ((c >> 6) & 63)),
             static_cast<char>(0x80 | (c & 63))};
  }
  return text;
}

std::set<std::string> shingles(const std::string& text) {
  std::set<std::string> set;
  for (size_t i = 0; i + 3 * kShingle <= text.size(); i += 3) set.insert(text.substr(i, 3 * kShingle));
  return set;
}

double jaccard(const std::string& x, const std::string& y) {
  const auto a = shingles(x), b = shingles(y);
  size_t both = 0;
  for (const std::string& s : a) both += b.contains(s);
  return static_cast<double>(both) / static_cast<double>(a.size() + b.size() - both);
}

TEST(MinHash, EstimatesTheTrueJaccardWithoutBias) {
  Random random(11);
  const MinHasher hasher(1, kShingle);
  double sum = 0, worst = 0;
  const int kPairs = 60;
  for (int i = 0; i < kPairs; ++i) {
    const std::string common = random_text(random, 50 + 10 * i);
    const std::string x = common + random_text(random, 200), y = common + random_text(random, 200);
    const double error = estimated_jaccard(hasher.signature(x), hasher.signature(y)) - jaccard(x, y);
    sum += error;
    worst = std::max(worst, std::abs(error));
  }
  // The standard deviation of one estimate is at most 0.0442: of the mean of 60, 0.0057; five of them is a failure.
  EXPECT_LT(std::abs(sum / kPairs), 5 * 0.0442 / std::sqrt(kPairs));
  EXPECT_LT(worst, 5 * 0.0442);
}

TEST(MinHash, CaseSpacesAndPunctuationDoNotCount) {
  const MinHasher hasher(1, kShingle);
  EXPECT_EQ("abc 가나 다", shingle_text("  ABC,  가나.\n\n다! "));
  EXPECT_EQ(hasher.signature("Hello, 세계의 사람들!"), hasher.signature("hello 세계의\n사람들"));
  EXPECT_NO_FATAL_FAILURE(hasher.signature(""));
}

TEST(MinHash, BandsCatchPairsAtTheThreshold) {
  for (const double threshold : {0.3, 0.5, 0.7, 0.8, 0.9, 1.0}) {
    const Bands b = choose_bands(threshold);
    EXPECT_LE(b.bands * b.rows, 128);
    EXPECT_GE(1 - std::pow(1 - std::pow(threshold, b.rows), b.bands), 0.98) << threshold;
  }
  EXPECT_GT(choose_bands(0.9).rows, choose_bands(0.5).rows);
}

// 200 pairs of known similarity among 400 unrelated documents.
TEST(NearDuplicates, RecallAboveAndPrecisionBelowTheThreshold) {
  Random random(12);
  const MinHasher hasher(1, kShingle);
  ThreadPool pool(2);
  std::vector<Signature> signatures;
  std::vector<double> similarity;
  for (int i = 0; i < 200; ++i) {
    const std::string common = random_text(random, 300);
    // 294 shingles in common and t of its own on either side: J = 294 / (294 + 2 t), 0.97 to 0.94 or 0.67 to 0.49.
    const int tail = i % 10 < 4 ? 4 + i % 10 * 2 : 8 + i % 10 * 16;
    const std::string x = common + random_text(random, tail), y = common + random_text(random, tail);
    signatures.push_back(hasher.signature(x));
    signatures.push_back(hasher.signature(y));
    similarity.push_back(jaccard(x, y));
  }
  for (int i = 0; i < 400; ++i) signatures.push_back(hasher.signature(random_text(random, 300)));
  const auto first = near_duplicate_groups(signatures, 0.8, pool);
  int similar = 0, found = 0, different = 0, wrong = 0;
  for (size_t i = 0; i < 200; ++i) {
    const bool grouped = first[2 * i + 1] == 2 * i;
    if (similarity[i] > 0.9) ++similar, found += grouped;
    if (similarity[i] < 0.65) ++different, wrong += grouped;
  }
  ASSERT_GT(similar, 30);
  ASSERT_GT(different, 60);
  EXPECT_EQ(similar, found) << "recall above the threshold";
  EXPECT_EQ(0, wrong) << "precision below the threshold";
  for (size_t i = 400; i < first.size(); ++i) EXPECT_EQ(i, first[i]) << "unrelated documents stay alone";
}

TEST(NearDuplicates, GroupsDoNotDependOnThreads) {
  Random random(13);
  const MinHasher hasher(1, kShingle);
  std::vector<Signature> signatures;
  const std::string base = random_text(random, 400);
  for (int i = 0; i < 300; ++i)
    signatures.push_back(hasher.signature(i % 3 == 0 ? base + random_text(random, i) : random_text(random, 100)));
  ThreadPool one(1), four(4);
  const auto groups = near_duplicate_groups(signatures, 0.7, one);
  EXPECT_EQ(groups, near_duplicate_groups(signatures, 0.7, four));
  EXPECT_GT(std::count(groups.begin(), groups.end(), 0u), 20);
  EXPECT_TRUE(near_duplicate_groups({}, 0.7, one).empty());
  std::atomic<size_t> read = 0;
  near_duplicate_groups(signatures, 0.7, four, [&](std::span<const Signature> part) { read += part.size(); });
  EXPECT_EQ(300u * static_cast<size_t>(choose_bands(0.7).bands), read) << "each band goes through all";
}

TEST(ExactDuplicates, TheFirstStaysAndSpacesDoNotCount) {
  const fs::path scratch = fs::temp_directory_path() / ("maru_exact_" + std::to_string(::getpid()));
  {
    ExactDuplicates exact(scratch);
    EXPECT_TRUE(exact.add(text_key("같은 글"), "a"));
    EXPECT_FALSE(exact.add(text_key("같은\n글"), "b"));
    EXPECT_TRUE(exact.add(text_key("다른 글"), "c"));
    const std::vector<Hash128> keys{text_key("다른글"), text_key("같은글"), text_key("다른글")};
    EXPECT_EQ((std::vector<std::string>{"c", "a", "c"}), exact.sources_of(keys));
  }
  EXPECT_FALSE(fs::exists(scratch));
}

TEST(ParagraphDuplicates, OnlyLongOnesOfEarlierDocuments) {
  ParagraphDuplicates paragraphs(5);
  int64_t removed = 0;
  EXPECT_EQ("긴 문단이다\n\n긴 문단이다\n\n짧다",
            paragraphs.without_repeated("긴 문단이다\n\n긴 문단이다\n\n짧다", removed));
  EXPECT_EQ(0, removed) << "repetition inside a document is not this step's business";
  EXPECT_EQ("짧다\n\n새 문단이다", paragraphs.without_repeated("긴 문단이다\n\n짧다\n\n새 문단이다", removed));
  EXPECT_EQ(1, removed);
}

}  // namespace
}  // namespace maru::data
