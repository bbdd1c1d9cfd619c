// A tokenizer.json as GGUF metadata; llama.cpp itself judges it in tests/reference.
#include "infer/gguf_tokenizer.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "base/json.h"
#include "formats/gguf.h"

namespace maru::infer {
namespace {

using formats::GgufFile;
using testing::ElementsAre;
using testing::HasSubstr;

class GgufTokenizer : public testing::Test {
 protected:
  void TearDown() override { fs::remove(path_); }

  TokenizerExport put(int64_t vocab_size = 6) {
    formats::GgufWriter writer(path_);
    const TokenizerExport result = put_tokenizer(
        writer,
        {.tokenizer = tokenizer_, .config = config_, .chat_template = "{{ messages }}", .vocab_size = vocab_size});
    writer.commit();
    return result;
  }

  const fs::path path_ = fs::temp_directory_path() / ("maru_gguf_tokenizer_" + std::to_string(::getpid()) + ".gguf");
  Json config_{{"bos_token", "<s>"}, {"eos_token", {{"content", "</s>"}}}};
  Json tokenizer_ = Json::parse(R"({
    "added_tokens": [{"id": 0, "content": "<s>", "special": true}, {"id": 1, "content": "</s>", "special": true}],
    "pre_tokenizer": {"type": "ByteLevel", "use_regex": true, "add_prefix_space": false},
    "post_processor": {"type": "TemplateProcessing",
                       "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}]},
    "model": {"type": "BPE", "vocab": {"a": 2, "b": 3, "ab": 4}, "merges": [["a", "b"]]}})");
};

TEST_F(GgufTokenizer, EmbedsTheTokenizer) {
  EXPECT_EQ("gpt-2", put().pre);
  const GgufFile file = GgufFile::open(path_).value();
  EXPECT_EQ("gpt2", file.text("tokenizer.ggml.model"));
  EXPECT_THAT(*file.find("tokenizer.ggml.tokens")->as_texts(), ElementsAre("<s>", "</s>", "a", "b", "ab", "[PAD5]"));
  EXPECT_THAT(*file.find("tokenizer.ggml.token_type")->as_integers(), ElementsAre(3, 3, 1, 1, 1, 5));
  EXPECT_THAT(*file.find("tokenizer.ggml.merges")->as_texts(), ElementsAre("a b"));
  EXPECT_EQ(0, file.integer("tokenizer.ggml.bos_token_id"));
  EXPECT_EQ(1, file.integer("tokenizer.ggml.eos_token_id"));
  EXPECT_EQ(true, file.boolean("tokenizer.ggml.add_bos_token"));
  EXPECT_EQ(false, file.boolean("tokenizer.ggml.add_eos_token"));
  EXPECT_EQ("{{ messages }}", file.text("tokenizer.chat_template"));
  EXPECT_EQ(nullptr, file.find("tokenizer.huggingface.json"));
}

TEST_F(GgufTokenizer, SaysWhenLlamaCppSplitsTextOtherwise) {
  tokenizer_["normalizer"] = {{"type", "NFKC"}};
  const TokenizerExport exported = put();
  EXPECT_FALSE(exported.exact);
  EXPECT_EQ("default", exported.pre);
  const GgufFile file = GgufFile::open(path_).value();
  EXPECT_EQ(tokenizer_, Json::parse(*file.text("tokenizer.huggingface.json")));
}

TEST_F(GgufTokenizer, WritesBpeOverCharactersWithScores) {
  tokenizer_["pre_tokenizer"] = nullptr;
  tokenizer_["normalizer"] = {{"type", "Prepend"}, {"prepend", "▁"}};
  tokenizer_["model"] = Json::parse(
      R"({"type": "BPE", "byte_fallback": true, "unk_token": "<s>", "vocab": {"a": 2, "<0x0A>": 3, "aa": 4, "aaa": 5},
          "merges": ["a a", "aa a"]})");
  EXPECT_EQ("llama", put().model);
  const GgufFile file = GgufFile::open(path_).value();
  EXPECT_THAT(*file.find("tokenizer.ggml.scores")->as_numbers(), ElementsAre(-3, -3, -3, -3, 0, -1));
  EXPECT_THAT(*file.find("tokenizer.ggml.token_type")->as_integers(), ElementsAre(2, 3, 1, 6, 1, 1));
  EXPECT_EQ(true, file.boolean("tokenizer.ggml.add_space_prefix"));
}

TEST_F(GgufTokenizer, RefusesIdsThatTheModelHasNot) {
  try {
    put(3);
    FAIL();
  } catch (const Failure& e) {
    EXPECT_THAT(e.what(), HasSubstr("expected an id below the model's 3 for"));
  }
}

}  // namespace
}  // namespace maru::infer
