// Texts to what an encoder reads: special tokens, types, cutting, prompts.
#include "infer/loaded_encoder.h"

#include <gmock/gmock.h>

#include "infer/test_encoder.h"
#include "tensor/cpu_device.h"

namespace maru::infer {
namespace {

using testing::ElementsAre;

TEST(FitPair, TheLongerTextLosesFirstThenBoth) {
  const auto fit = [](size_t first, size_t second, size_t room) {
    const PairLengths fits = fit_pair(first, second, room);
    return std::pair(fits.first, fits.second);
  };
  EXPECT_EQ(std::pair(size_t{3}, size_t{4}), fit(3, 4, 7));
  EXPECT_EQ(std::pair(size_t{3}, size_t{4}), fit(3, 9, 7));
  EXPECT_EQ(std::pair(size_t{5}, size_t{2}), fit(9, 2, 7));
  EXPECT_EQ(std::pair(size_t{3}, size_t{4}), fit(5, 9, 7));
  EXPECT_EQ(std::pair(size_t{4}, size_t{3}), fit(9, 5, 7));
  EXPECT_EQ(std::pair(size_t{3}, size_t{4}), fit(5, 5, 7));
  EXPECT_EQ(std::pair(size_t{0}, size_t{0}), fit(5, 5, 0));
}

class LoadedEncoderTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(directory_);
    fs::copy("tests/golden/encoders/bert_mean", directory_, fs::copy_options::recursive);
    write_json(directory_ / "tokenizer.json", word_piece_json());
    write_file(directory_ / "sentence_bert_config.json", R"({"max_seq_length": 8})");
    write_file(directory_ / "config_sentence_transformers.json", R"({"prompts": {"query": "the ", "document": ""}})");
  }
  void TearDown() override { fs::remove_all(directory_); }
  const fs::path directory_ = fs::temp_directory_path() / ("maru_encoder_" + std::to_string(::getpid()));
  ThreadPool pool_{1};
  CpuDevice device_{&pool_};
};

TEST_F(LoadedEncoderTest, PutsSpecialTokensAroundATextAndCutsItsEnd) {
  LoadedEncoder encoder(directory_, device_);
  EXPECT_THAT(encoder.input_of("Save the files?").tokens, ElementsAre(2, 6, 11, 7, 9, 10, 3));
  EXPECT_THAT(encoder.input_of("how to save the files to a file?").tokens, ElementsAre(2, 4, 5, 6, 11, 7, 9, 3));
  EXPECT_THAT(encoder.input_of("").tokens, ElementsAre(2, 3));
}

TEST_F(LoadedEncoderTest, APairHasTypesAndLosesTheLongerTextFirst) {
  LoadedEncoder encoder(directory_, device_);
  const EncoderInput input = encoder.input_of(TextPair{"how", "the file"});
  EXPECT_THAT(input.tokens, ElementsAre(2, 4, 3, 11, 7, 3));
  EXPECT_THAT(input.types, ElementsAre(0, 0, 0, 1, 1, 1));
  EXPECT_THAT(encoder.input_of(TextPair{"how to", "save a file to the file"}).tokens,
              ElementsAre(2, 4, 5, 3, 6, 8, 7, 3));
}

TEST_F(LoadedEncoderTest, ATextCannotForgeASpecialToken) {
  LoadedEncoder encoder(directory_, device_);
  const std::vector<int32_t> tokens = encoder.input_of("a [SEP] a").tokens;
  EXPECT_EQ(1, std::count(tokens.begin(), tokens.end(), 3));
}

TEST_F(LoadedEncoderTest, TextsThatDifferHaveOtherVectors) {
  LoadedEncoder encoder(directory_, device_);
  const std::vector<EncoderInput> inputs{encoder.input_of("save"), encoder.input_of("file"), encoder.input_of("Save")};
  const auto vectors = encoder.runner().embed(inputs);
  EXPECT_EQ(vectors[0], vectors[2]);
  EXPECT_NE(vectors[0], vectors[1]);
}

TEST_F(LoadedEncoderTest, PromptsGoByName) {
  LoadedEncoder encoder(directory_, device_);
  EXPECT_EQ("the ", encoder.prompt("query"));
  EXPECT_EQ("", encoder.prompt(""));
  try {
    encoder.prompt("passage");
    FAIL();
  } catch (const Failure& e) {
    EXPECT_EQ("prompt \"passage\": the model has document, query", e.error().message);
  }
}

}  // namespace
}  // namespace maru::infer
