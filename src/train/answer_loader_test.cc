#include "train/answer_loader.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "train/test_pairs.h"

namespace maru::train {
namespace {

class AnswerLoaderTest : public testing::Test {
 protected:
  void SetUp() override { fs::remove_all(root_); }
  void TearDown() override { fs::remove_all(root_); }
  formats::TokenDataset pairs(int64_t count, uint64_t seed, uint64_t prompt = 6, uint64_t answer = 12) const {
    const fs::path directory = root_ / std::to_string(seed);
    if (!fs::exists(directory)) write_test_pairs(directory, count, seed, prompt, answer);
    return formats::TokenDataset(directory, "train");
  }
  static std::vector<std::vector<int32_t>> sequences_of(const MicroBatch& batch) {
    std::vector<std::vector<int32_t>> all;
    for (const Batch::Sequence& s : batch.builder.sequences())
      all.emplace_back(batch.builder.tokens().begin() + s.first_row,
                       batch.builder.tokens().begin() + s.first_row + s.rows);
    return all;
  }
  static std::string error_of(const std::function<void()>& action) {
    try {
      action();
    } catch (const Failure& e) {
      return e.what();
    }
    return "none";
  }
  const fs::path root_ = fs::temp_directory_path() / ("maru_pairs_" + std::to_string(::getpid()));
};

// The answer of a pair in the data: its tokens, at most `longest`.
std::vector<int32_t> document(const formats::TokenDataset& data, int64_t i, int64_t longest) {
  const formats::TokenSpan tokens = data.document(i).tokens;
  std::vector<int32_t> all(static_cast<size_t>(std::min(longest, tokens.size())));
  tokens.subspan(0, static_cast<int64_t>(all.size())).copy_to(all);
  return all;
}

// Most micro-batches end because the next pair does not fit.
TEST_F(AnswerLoaderTest, AnEpochShowsEveryPairOnceAndWhole) {
  const formats::TokenDataset data = pairs(50, 7, /*prompt=*/6, /*answer=*/26);
  std::multiset<std::pair<std::vector<int32_t>, std::vector<int32_t>>> expected, seen;
  for (int64_t d = 0; d < data.num_documents(); d += 2)
    expected.emplace(document(data, d, 32), document(data, d + 1, 32));
  AnswerLoader loader(data, 32, {}, 1);
  EXPECT_EQ("", loader.left_out());
  MicroBatch batch;
  for (int64_t shown = 0; shown < 50; shown += batch.counted) {
    loader.next(batch, 64 + 32 * (shown % 3));
    const auto sequences = sequences_of(batch);
    ASSERT_EQ(2 * batch.counted, static_cast<int64_t>(sequences.size()));
    ASSERT_EQ(batch.targets.size(), batch.builder.tokens().size());
    for (size_t i = 0; i < sequences.size() && seen.size() < 50; i += 2) seen.emplace(sequences[i], sequences[i + 1]);
  }
  EXPECT_EQ(expected, seen);
}

TEST_F(AnswerLoaderTest, TargetsAreThoseOfTheAnswers) {
  const formats::TokenDataset data = pairs(50, 3);
  AnswerLoader loader(data, 32, {}, 1);
  MicroBatch batch;
  loader.next(batch, 256);
  for (const Batch::Sequence& s : batch.builder.sequences()) {
    int64_t counted = 0;
    for (int64_t r = s.first_row; r < s.first_row + s.rows; ++r) {
      const int32_t target = batch.targets[static_cast<size_t>(r)];
      if (target < 0) continue;
      ++counted;
      EXPECT_EQ(batch.builder.tokens()[static_cast<size_t>(r + 1)], target);
    }
    EXPECT_GT(counted, 0);
  }
}

TEST_F(AnswerLoaderTest, LongAnswersLoseTheirEndAndPairsWithoutAnAnswerAreLeftOut) {
  const formats::TokenDataset data = pairs(80, 5, /*prompt=*/20, /*answer=*/40);
  int64_t lost = 0, cut = 0;
  for (int64_t d = 0; d < data.num_documents(); d += 2) {
    const formats::TokenDocument chosen = data.document(d);
    int64_t prompt = 0;
    while (!chosen.mask[prompt]) ++prompt;
    lost += prompt > 16;
    cut += chosen.tokens.size() > 16;
  }
  ASSERT_GT(lost, 0);
  ASSERT_GT(cut, lost);
  const AnswerSet set(data, 16, {});
  EXPECT_EQ(lost, set.left_out());
  EXPECT_EQ(80 - lost, set.size());
  MicroBatch batch;
  std::vector<int32_t> scratch;
  int64_t tokens = 0;
  for (int64_t i = 0; i < set.size(); ++i) {
    batch.clear();
    set.append(batch, i, scratch);
    ASSERT_EQ(2u, batch.builder.sequences().size());
    for (const Batch::Sequence& s : batch.builder.sequences()) ASSERT_LE(s.rows, 16);
    ASSERT_EQ(set.tokens(i), batch.builder.num_tokens());
    tokens += batch.builder.num_tokens();
  }
  EXPECT_EQ(tokens, set.tokens());
  AnswerLoader loader(data, 16, {}, 1);
  EXPECT_EQ(std::to_string(lost) + " of 80 pairs left out: sequence_length 16 holds no token of one of the answers",
            loader.left_out());
}

TEST_F(AnswerLoaderTest, NothingToLearnFromIsRefused) {
  const formats::TokenDataset data = pairs(5, 8, /*prompt=*/1, /*answer=*/3);
  EXPECT_EQ("none", error_of([&] { AnswerLoader(data, 1, {}, 1); })) << "the last token of a piece has a target";
  const TestTokens odd(3, 9, true);
  const formats::TokenDataset documents(odd.directory(), "train");
  EXPECT_EQ("pairs of answers: expected an even number of documents, got 3",
            error_of([&] { AnswerLoader(documents, 16, {}, 1); }));
  {
    ledger::ArtefactWriter artefact(root_ / "late");
    formats::TokenDatasetWriter writer(artefact.directory(), TestTokens::kVocabulary, true);
    writer.begin_split("train");
    for (const int32_t stride : {1, 5}) {
      const TestAnswer answer(std::vector<int32_t>(30, 7), 4, stride);
      writer.add(answer.tokens, 4, answer.mask);
    }
    writer.finish();
    ledger::Manifest manifest;
    manifest.kind = "tokens", manifest.name = "late";
    artefact.commit(manifest);
  }
  const formats::TokenDataset late(root_ / "late", "train");
  EXPECT_EQ("nothing is left of 1 pairs: sequence_length 16 holds no token of one of the answers",
            error_of([&] { AnswerLoader(late, 16, {}, 1); }));
  EXPECT_EQ("loader: the saved position lies outside the dataset",
            error_of([&] { AnswerLoader(data, 16, {}, 1, {.document = 6}); }));
}

TEST_F(AnswerLoaderTest, ResumesAtTheExactPairAndSkipsWhatItReads) {
  const formats::TokenDataset data = pairs(50, 3);
  AnswerLoader a(data, 32, {}, 5), skips(data, 32, {}, 5);
  MicroBatch batch, again;
  for (int i = 0; i < 9; ++i) {
    a.next(batch, 200);
    ASSERT_EQ(batch.builder.num_tokens(), skips.skip(200));
  }
  AnswerLoader b(data, 32, {}, 5, a.state());
  for (int i = 0; i < 20; ++i) {
    a.next(batch, 200);
    b.next(again, 200);
    ASSERT_EQ(batch.targets, again.targets);
    ASSERT_EQ(batch.builder.num_tokens(), skips.skip(200));
    ASSERT_EQ(a.state(), skips.state());
  }
  EXPECT_GT(a.state().epoch, 0);
  EXPECT_EQ(a.state(), b.state());
}

TEST_F(AnswerLoaderTest, EpochsAndSeedsDiffer) {
  const formats::TokenDataset data = pairs(50, 3);
  MicroBatch a, b;
  AnswerLoader(data, 32, {}, 1).next(a, 300);
  AnswerLoader(data, 32, {}, 2).next(b, 300);
  EXPECT_NE(a.targets, b.targets);
  AnswerLoader(data, 32, {}, 1, {.epoch = 1}).next(b, 300);
  EXPECT_NE(a.targets, b.targets);
}

TEST_F(AnswerLoaderTest, EpochsAreCountedInMicroBatches) {
  const formats::TokenDataset data = pairs(80, 5, 20, 40);
  for (const double epochs : {0.3, 1.0, 2.5}) {
    AnswerLoader counts(data, 16, {}, 4), loader(data, 16, {}, 4);
    const int64_t batches = count_micro_batches(counts, 64, epochs);
    MicroBatch batch;
    int64_t seen = 0, last = 0;
    for (int64_t i = 0; i < batches; ++i, seen += last) {
      loader.next(batch, 64);
      last = batch.builder.num_tokens();
    }
    const double wanted = epochs * static_cast<double>(loader.tokens_of_epoch());
    EXPECT_GE(static_cast<double>(seen), wanted);
    EXPECT_LT(static_cast<double>(seen - last), wanted) << "not a batch more than needed";
  }
}

}  // namespace
}  // namespace maru::train
