// Texts as training batches: what stands around them, what is cut and left out, order and resuming.
#include "train/text_loader.h"

#include <gmock/gmock.h>

#include "train/test_texts.h"

namespace maru::train {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class TextLoaderTest : public testing::Test {
 protected:
  void TearDown() override { fs::remove_all(root_); }
  // Documents of these many tokens, with what they are; a document's tokens are its number from 10 on.
  void write(const std::vector<std::pair<int, double>>& documents, bool scored = false) {
    fs::remove_all(root_);
    fs::create_directories(root_);
    formats::TokenDatasetWriter writer(root_, 64, false, 1 << 24, true);
    writer.begin_split("train");
    int32_t token = 10;
    for (const auto& [size, value] : documents)
      writer.add(std::vector<int32_t>(static_cast<size_t>(size), token++), 1, {}, value);
    writer.finish();
    form_ = {.scored = scored,
             .single = {{{0}, {1}}, {{0}, {0}}, {0}},
             .pair = {{{0}, {2, 2}, {1}}, {{0}, {0, 1}, {1}}, {0, 1}}};
    train_.emplace(root_, "train");
  }
  MicroBatch batch_of(const TextShape& shape) {
    const TextSet examples(*train_, form_, shape);
    MicroBatch batch;
    for (int64_t i = 0; i < examples.size(); ++i) examples.append(batch, i);
    return batch;
  }
  std::string error_of(const TextShape& shape) {
    try {
      TextLoader(*train_, form_, shape, 1);
      return "none";
    } catch (const Failure& e) {
      return e.what();
    }
  }
  const fs::path root_ = fs::temp_directory_path() / ("maru_text_loader_" + std::to_string(::getpid()));
  TextForm form_;
  std::optional<formats::TokenDataset> train_;
};

TEST_F(TextLoaderTest, TextsStandInTheirFrame) {
  write({{2, 0}, {3, 1}, {1, 2}, {1, 0}, {1, 1}});
  const MicroBatch apart = batch_of({16, 256});
  EXPECT_THAT(apart.builder.tokens(), ElementsAre(0, 10, 10, 1, 0, 11, 11, 11, 1, 0, 12, 1, 0, 13, 1, 0, 14, 1));
  EXPECT_THAT(apart.values, ElementsAre(0, 1, 2, 0, 1));
  EXPECT_EQ(2, apart.counted);
  const MicroBatch together = batch_of({16, 256, true});
  EXPECT_THAT(together.builder.tokens(), ElementsAre(0, 10, 10, 2, 2, 11, 11, 11, 1, 0, 10, 10, 2, 2, 12, 1));
  EXPECT_THAT(together.values, ElementsAre(1, 2)) << "of the documents";
  EXPECT_THAT(together.types, ElementsAre(0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1)) << "of each token";
  EXPECT_EQ(std::vector<int32_t>(18), apart.types);
  EXPECT_THAT(TextLoader(*train_, form_, {16, 256, true}, 1).left_out(),
              HasSubstr("1 of 2 examples left out: they have no negative document"));
}

TEST_F(TextLoaderTest, WhatIsTooLongLosesItsEndAndKeepsItsFrame) {
  write({{9, 0}, {3, 1}});
  EXPECT_THAT(batch_of({5, 256}).builder.tokens(), ElementsAre(0, 10, 10, 10, 1, 0, 11, 11, 11, 1));
  EXPECT_EQ("1 of 2 texts are cut to sequence_length 5", TextLoader(*train_, form_, {5, 256}, 1).left_out());
  EXPECT_EQ("", TextLoader(*train_, form_, {11, 256}, 1).left_out());
  write({{9, 0}, {3, 1}, {1, 2}});
  EXPECT_THAT(batch_of({9, 256, true}).builder.tokens(),
              ElementsAre(0, 10, 10, 10, 2, 2, 11, 11, 1, 0, 10, 10, 10, 10, 2, 2, 12, 1));
  EXPECT_THAT(TextLoader(*train_, form_, {9, 256, true}, 1).left_out(), HasSubstr("2 of 2 pairs of texts are cut"));
  EXPECT_THAT(fit_texts(9, 9, 5), ElementsAre(2, 3)) << "as the server has it";
  EXPECT_THAT(fit_texts(9, 8, 5), ElementsAre(3, 2));
  EXPECT_THAT(fit_texts(1, 9, 5), ElementsAre(1, 4));
  EXPECT_THAT(fit_texts(9, 1, 5), ElementsAre(4, 1));
  EXPECT_THAT(fit_texts(2, 3, 5), ElementsAre(2, 3));
}

TEST_F(TextLoaderTest, ExamplesThatDoNotFitAreLeftOutAndSaid) {
  std::vector<std::pair<int, double>> documents{{1, 0}, {1, 1}, {1, 0}, {1, 1}};
  documents.resize(24, {1, 2});  // the second has 20 negatives
  write(documents);
  EXPECT_EQ("1 of 2 examples left out: micro_batch_tokens 256 does not hold all their texts",
            TextLoader(*train_, form_, {16, 256}, 1).left_out())
      << "16 sequences are the most";
  write({{100, 0}, {100, 1}});
  EXPECT_THAT(error_of({128, 128}), HasSubstr("nothing is left to learn from: 1 of 1 examples left out"));
  EXPECT_THAT(error_of({2, 128}), HasSubstr("sequence_length 2 has no room for a text: expected at least 3"));
}

TEST_F(TextLoaderTest, DamagedDataIsRefused) {
  for (const auto& documents : {std::vector<std::pair<int, double>>{{1, 1}},
                                {{1, 0}},
                                {{1, 0}, {1, 2}},
                                {{1, 0}, {1, 1}, {1, 1}},
                                {{1, 0}, {1, 7}},
                                {{1, 0}, {1, 1}, {1, 0}}}) {
    write(documents);
    EXPECT_THAT(error_of({16, 256}), HasSubstr("does not begin a query with a document"));
  }
  write({{1, 0.5}, {1, 0.25}}, true);
  EXPECT_THAT(error_of({16, 256}), HasSubstr("document 0 does not begin two texts with one score"));
  write({{1, 0}, {1, 1}});
  EXPECT_THROW(TextLoader(*train_, form_, {16, 256}, 1, {.epoch = 0, .document = 2, .offset = 0}), Failure);
}

TEST_F(TextLoaderTest, EachExampleComesOncePerEpochAndResumesAtTheExactOne) {
  std::vector<std::pair<int, double>> documents;
  for (int i = 0; i < 20; ++i) documents.insert(documents.end(), {{1 + i % 5, 0}, {1, 1}});
  write(documents);
  const TextShape shape{16, 64};
  TextLoader loader(*train_, form_, shape, 7);
  std::vector<int32_t> seen;
  MicroBatch batch;
  for (int i = 0; i < 30; ++i) {
    TextLoader again(*train_, form_, shape, 7, loader.state());
    MicroBatch same;
    again.next(same, 64);
    EXPECT_EQ(again.state(), [&] {
      TextLoader skipping(*train_, form_, shape, 7, loader.state());
      skipping.skip(64);
      return skipping.state();
    }());
    loader.next(batch, 64);
    EXPECT_EQ(batch.builder.tokens(), same.builder.tokens());
    EXPECT_LE(batch.builder.num_tokens(), 64);
    EXPECT_LE(batch.builder.sequences().size(), 4u) << "64 / 16";
    for (size_t s = 0; s < batch.values.size(); s += 2)
      seen.push_back(batch.builder.tokens()[static_cast<size_t>(batch.builder.sequences()[s].first_row + 1)]);
  }
  ASSERT_GE(seen.size(), 40u);
  std::vector<int32_t> first(seen.begin(), seen.begin() + 20), second(seen.begin() + 20, seen.begin() + 40);
  EXPECT_NE(first, second) << "another order";
  for (std::vector<int32_t>* epoch : {&first, &second}) {
    std::ranges::sort(*epoch);
    for (size_t i = 0; i < epoch->size(); ++i) EXPECT_EQ(10 + 2 * static_cast<int32_t>(i), (*epoch)[i]);
  }
}

TEST_F(TextLoaderTest, TheFormIsThatOfTheManifest) {
  const fs::path tokens = root_ / "tokens";
  write_test_texts(tokens, 4, 1, true);
  const TextForm form = text_form(tokens);
  EXPECT_TRUE(form.scored);
  EXPECT_EQ(2, form.single.tokens());
  EXPECT_EQ(3, form.pair.tokens());
  EXPECT_EQ((std::vector<int32_t>{0, 1}), form.pair.types);
  EXPECT_EQ((std::vector<std::vector<int32_t>>{{0}, {0}, {1}}), form.pair.piece_types);
  for (const Json& notes :
       {Json{{"pair_frame", nullptr}}, Json{{"scored", nullptr}}, Json{{"pair_frame", {{"piece_types", nullptr}}}},
        Json{{"pair_frame", {{"piece_types", Json::array({{0}, Json::array(), {1}})}}}},
        Json{{"pair_frame", {{"types", Json::array({0})}}}},
        Json{{"frame", {{"pieces", Json::array({Json::array()})}}}}}) {
    write_test_texts(root_ / "other", 4, 1, true, notes);
    EXPECT_THROW(text_form(root_ / "other"), Failure) << notes;
  }
}

}  // namespace
}  // namespace maru::train
