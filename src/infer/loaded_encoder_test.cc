// Texts to what an encoder reads: special tokens, types, cutting, prompts.
#include "infer/loaded_encoder.h"

#include <gmock/gmock.h>

#include "base/json.h"
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

/// WordPiece over a few words, as BERT's tokenizer.json has it.
Json tokenizer_json() {
  Json vocabulary;
  int id = 0;
  for (const char* token : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "how", "to", "save", "file", "a", "##s", "?", "the"})
    vocabulary[token] = id++;
  const auto added = [](int token, const char* content) {
    return Json{{"id", token},     {"content", content}, {"special", true},    {"single_word", false},
                {"lstrip", false}, {"rstrip", false},    {"normalized", false}};
  };
  const auto special = [](const char* token, int type) {
    return Json{{"SpecialToken", {{"id", token}, {"type_id", type}}}};
  };
  const auto sequence = [](const char* name, int type) {
    return Json{{"Sequence", {{"id", name}, {"type_id", type}}}};
  };
  const auto definition = [](const char* token, int token_id) {
    return Json{{"id", token}, {"ids", Json::array({token_id})}, {"tokens", Json::array({token})}};
  };
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", Json::array({added(0, "[PAD]"), added(1, "[UNK]"), added(2, "[CLS]"), added(3, "[SEP]")})},
          {"normalizer",
           {{"type", "BertNormalizer"},
            {"clean_text", true},
            {"handle_chinese_chars", true},
            {"strip_accents", nullptr},
            {"lowercase", true}}},
          {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
          {"post_processor",
           {{"type", "TemplateProcessing"},
            {"single", Json::array({special("[CLS]", 0), sequence("A", 0), special("[SEP]", 0)})},
            {"pair", Json::array({special("[CLS]", 0), sequence("A", 0), special("[SEP]", 0), sequence("B", 1),
                                  special("[SEP]", 1)})},
            {"special_tokens", {{"[CLS]", definition("[CLS]", 2)}, {"[SEP]", definition("[SEP]", 3)}}}}},
          {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
          {"model",
           {{"type", "WordPiece"},
            {"unk_token", "[UNK]"},
            {"continuing_subword_prefix", "##"},
            {"max_input_chars_per_word", 100},
            {"vocab", vocabulary}}}};
}

class LoadedEncoderTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(directory_);
    fs::copy("tests/golden/encoders/bert_mean", directory_, fs::copy_options::recursive);
    write_json(directory_ / "tokenizer.json", tokenizer_json());
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
