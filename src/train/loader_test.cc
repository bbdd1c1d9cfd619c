#include "train/loader.h"

#include <gtest/gtest.h>

#include <map>

#include "train/test_tokens.h"

namespace maru::train {
namespace {

class LoaderTest : public testing::Test {
 protected:
  TestTokens tokens_{100, 7};
  formats::TokenDataset dataset_{tokens_.directory(), "train"};
};

TEST_F(LoaderTest, AnEpochShowsEveryTokenOnce) {
  Loader loader(dataset_, 32, 1);
  std::map<int32_t, int64_t> expected, seen;
  for (int64_t d = 0; d < dataset_.num_documents(); ++d)
    for (int64_t i = 0; i < dataset_.document(d).tokens.size(); ++i)
      ++expected[static_cast<int32_t>(dataset_.document(d).tokens[i])];
  MicroBatch batch;
  for (int64_t left = dataset_.num_tokens(); left > 0; left -= batch.builder.num_tokens()) {
    loader.next(batch, std::min<int64_t>(left, 256));
    for (const int32_t token : batch.builder.tokens()) ++seen[token];
  }
  EXPECT_EQ(expected, seen);
  EXPECT_EQ(0, loader.state().epoch);
}

TEST_F(LoaderTest, DocumentsArePassedAsAWholeWhateverWasSeenOfThem) {
  Loader loader(dataset_, 8, 1);
  MicroBatch batch;
  loader.next(batch, 8);
  const int64_t first = loader.next_document();
  const bool begun = loader.state().offset > 0;
  const int64_t size = dataset_.begin_of(first + 1) - dataset_.begin_of(first);
  EXPECT_EQ(begun ? size - 8 : size, loader.pass_document());
  EXPECT_EQ(0, loader.state().offset);
  int64_t passed = 1 + (begun ? 0 : 1);
  for (; loader.state().document < dataset_.num_documents(); ++passed) loader.pass_document();
  EXPECT_EQ(dataset_.num_documents(), passed);
  EXPECT_EQ(first, Loader(dataset_, 8, 1, {.epoch = 0, .document = begun ? 0 : 1}).next_document());
  EXPECT_EQ(epoch_order(dataset_.num_documents(), 1, 1)[0], loader.next_document()) << "of the next epoch";
}

TEST_F(LoaderTest, TargetsAreTheNextTokensOfTheSameDocument) {
  Loader loader(dataset_, 16, 1);
  MicroBatch batch;
  loader.next(batch, 512);
  const std::vector<int32_t>& tokens = batch.builder.tokens();
  ASSERT_EQ(tokens.size(), batch.targets.size());
  int64_t counted = 0;
  for (const Batch::Sequence& s : batch.builder.sequences()) {
    EXPECT_LE(s.rows, 16);
    EXPECT_EQ(0, s.past);
    for (int64_t i = 0; i < s.rows; ++i) {
      const int32_t target = batch.targets[static_cast<size_t>(s.first_row + i)];
      counted += target >= 0;
      if (i + 1 < s.rows) {
        EXPECT_EQ(tokens[static_cast<size_t>(s.first_row + i + 1)], target);
      }
    }
  }
  EXPECT_EQ(counted, batch.counted);
}

TEST_F(LoaderTest, SkippingTakesWhatReadingTakes) {
  Loader reads(dataset_, 32, 5), skips(dataset_, 32, 5);
  MicroBatch batch;
  for (int i = 0; i < 40; ++i) {
    reads.next(batch, 300);
    ASSERT_EQ(batch.builder.num_tokens(), skips.skip(300));
    ASSERT_EQ(reads.state(), skips.state());
  }
  EXPECT_GT(reads.state().epoch, 0);
}

// Documents of a few tokens fill a micro-batch only in part: its pieces are bounded.
TEST_F(LoaderTest, AnEpochIsWholeHoweverShortItsDocumentsAre) {
  for (const double epochs : {0.3, 1.0, 2.5}) {
    for (const uint64_t length : {3, 60}) {
      const TestTokens tokens(200, 9, false, true, length);
      const formats::TokenDataset dataset(tokens.directory(), "train");
      Loader counts(dataset, 32, 4), loader(dataset, 32, 4);
      const int64_t batches = count_micro_batches(counts, 256, epochs);
      MicroBatch batch;
      int64_t seen = 0, last = 0;
      for (int64_t i = 0; i < batches; ++i, seen += last) {
        loader.next(batch, 256);
        last = batch.builder.num_tokens();
      }
      const double wanted = epochs * static_cast<double>(dataset.num_tokens());
      EXPECT_GE(static_cast<double>(seen), wanted);
      EXPECT_LT(static_cast<double>(seen - last), wanted) << "not a batch more than needed";
    }
  }
}

TEST_F(LoaderTest, ResumesAtTheExactToken) {
  Loader a(dataset_, 32, 5);
  MicroBatch batch, again;
  for (int i = 0; i < 9; ++i) a.next(batch, 300);
  Loader b(dataset_, 32, 5, a.state());
  for (int i = 0; i < 20; ++i) {
    a.next(batch, 300);
    b.next(again, 300);
    ASSERT_EQ(batch.targets, again.targets);
  }
  EXPECT_GT(a.state().epoch, 0);
  EXPECT_EQ(a.state(), b.state());
}

TEST_F(LoaderTest, EpochsAndSeedsDiffer) {
  MicroBatch a, b;
  Loader(dataset_, 32, 1).next(a, 300);
  Loader(dataset_, 32, 2).next(b, 300);
  EXPECT_NE(a.targets, b.targets);
  Loader(dataset_, 32, 1, {.epoch = 1}).next(b, 300);
  EXPECT_NE(a.targets, b.targets);
}

TEST_F(LoaderTest, MasksTargets) {
  TestTokens masked(40, 3, /*with_mask=*/true);
  formats::TokenDataset dataset(masked.directory(), "train");
  Loader loader(dataset, 32, 1);
  MicroBatch batch;
  loader.next(batch, 200);
  int64_t ignored = 0;
  for (int32_t target : batch.targets) ignored += target < 0;
  EXPECT_GT(ignored, 60) << "a third of the tokens is masked";
  EXPECT_EQ(static_cast<int64_t>(batch.targets.size()) - ignored, batch.counted);
}

}  // namespace
}  // namespace maru::train
