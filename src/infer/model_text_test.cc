// Tokenizer, template and ends of answers out of GGUF metadata, and out of directories.
#include "infer/model_text.h"

#include <gmock/gmock.h>

#include "base/json.h"
#include "formats/gguf_writer.h"

namespace maru::infer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ModelTextTest : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(home_); }
  void TearDown() override { fs::remove_all(home_); }

  /// A file with a byte-level vocabulary, and what `more` adds to its metadata.
  template <class More>
  fs::path gguf(const More& more) {
    const fs::path file = home_ / "m.gguf";
    formats::GgufWriter writer(file);
    writer.set("general.architecture", "llama");
    writer.set("tokenizer.ggml.model", "gpt2");
    writer.set("tokenizer.ggml.pre", "gpt-2");
    writer.set("tokenizer.ggml.tokens",
               std::vector<std::string>{"<s>", "</s>", "a", "b", "ab", "<|eot_id|>", "<turn>"});
    writer.set("tokenizer.ggml.token_type", std::vector<int32_t>{3, 3, 1, 1, 1, 3, 3});
    writer.set("tokenizer.ggml.merges", std::vector<std::string>{"a b"});
    more(writer);
    writer.commit();
    return file;
  }
  template <class More>
  std::string error_of(const More& more) {
    try {
      load_text(gguf(more));
      return "no error";
    } catch (const Failure& e) {
      return e.what();
    }
  }

  const fs::path home_ = fs::temp_directory_path() / ("maru_model_text_" + std::to_string(::getpid()));
};

TEST_F(ModelTextTest, ReadsTheVocabularyOfAGgufFile) {
  const ModelText text = load_text(gguf([](formats::GgufWriter& w) {
    w.set("tokenizer.ggml.bos_token_id", uint32_t{0});
    w.set("tokenizer.ggml.eos_token_id", uint32_t{1});
    w.set("tokenizer.ggml.eot_token_id", uint32_t{6});
    w.set("tokenizer.ggml.add_bos_token", true);
    w.set("tokenizer.chat_template",
          "{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}{{ eos_token }}");
  }));
  EXPECT_THAT(text.tokenizer.encode("abb", {.add_special_tokens = true}), ElementsAre(0, 4, 3));
  EXPECT_EQ(1, text.tokenizer.eos());
  EXPECT_THAT(text.end_tokens, ElementsAre(1, 6, 5)) << "eos, eot, and one that is known by its spelling";
  ASSERT_TRUE(text.chat_template);
  EXPECT_EQ("<s>ab</s>", text.chat_template->render(Json::parse(R"([{"role": "user", "content": "ab"}])")).text());
}

TEST_F(ModelTextTest, TakesTheGgufsTemplateForToolsWhereThereAreTools) {
  const Json chat = Json::parse(R"([{"role": "user", "content": "ab"}])"), tools = Json::parse(R"([{"name": "f"}])");
  const auto rendered = [&](const ModelText& text, const Json* tools) {
    return text.chat_template->render(chat, {.tools = tools}).text();
  };
  const ModelText both = load_text(gguf([](formats::GgufWriter& w) {
    w.set("tokenizer.chat_template", "without");
    w.set("tokenizer.chat_template.tool_use", "with {{ tools[0].name }}");
    w.set("tokenizer.chat_template.rag", "documents");
    w.set("tokenizer.chat_templates", std::vector<std::string>{"rag", "tool_use", "absent"});
  }));
  EXPECT_EQ("without", rendered(both, nullptr));
  EXPECT_EQ("with f", rendered(both, &tools));
  const ModelText only = load_text(
      gguf([](formats::GgufWriter& w) { w.set("tokenizer.chat_template.tool_use", "{{ tools is defined }}"); }));
  EXPECT_EQ("True", rendered(only, nullptr));
  EXPECT_THAT(error_of([](formats::GgufWriter& w) {
                w.set("tokenizer.chat_template", "fine");
                w.set("tokenizer.chat_template.tool_use", "{% for %}");
              }),
              HasSubstr("m.gguf: tokenizer.chat_template.tool_use:1: "));
}

TEST_F(ModelTextTest, AWholeTokenizerJsonComesFirst) {
  const ModelText text = load_text(gguf([](formats::GgufWriter& w) {
    w.set("tokenizer.ggml.eos_token_id", uint32_t{1});
    w.set("tokenizer.huggingface.json",
          R"({"version": "1.0", "added_tokens": [{"id": 1, "content": "</s>", "special": true}],
      "pre_tokenizer": {"type": "ByteLevel", "use_regex": true, "add_prefix_space": false},
      "decoder": {"type": "ByteLevel"},
      "model": {"type": "BPE", "vocab": {"a": 2, "b": 3, "ba": 4}, "merges": [["b", "a"]]}})");
  }));
  EXPECT_THAT(text.tokenizer.encode("aba"), ElementsAre(2, 4));
  EXPECT_EQ(1, text.tokenizer.eos());
  EXPECT_FALSE(text.chat_template);
}

TEST_F(ModelTextTest, NamesMetadataOfTheWrongType) {
  EXPECT_EQ("no error", error_of([](formats::GgufWriter&) {}));
  EXPECT_THAT(error_of([](formats::GgufWriter& w) { w.set("tokenizer.ggml.scores", "high"); }),
              HasSubstr("m.gguf: tokenizer.ggml.scores: expected an array of numbers, got string"));
  EXPECT_THAT(error_of([](formats::GgufWriter& w) { w.set("tokenizer.ggml.bos_token_id", uint32_t{4000000000}); }),
              HasSubstr("tokenizer.ggml.bos_token_id: expected a token id, got u32"));
  EXPECT_THAT(error_of([](formats::GgufWriter& w) { w.set("tokenizer.ggml.precompiled_charsmap", "x"); }),
              HasSubstr("expected an array of bytes"));
  EXPECT_THAT(error_of([](formats::GgufWriter& w) { w.set("tokenizer.ggml.add_bos_token", uint32_t{1}); }),
              HasSubstr("tokenizer.ggml.add_bos_token: expected a boolean, got u32"));
  EXPECT_THAT(error_of([](formats::GgufWriter& w) { w.set("tokenizer.chat_template", "{% for %}"); }),
              HasSubstr("m.gguf: tokenizer.chat_template"));
}

TEST_F(ModelTextTest, ReadsADirectory) {
  write_file(home_ / "tokenizer.json",
             R"({"version": "1.0", "added_tokens": [{"id": 1, "content": "</s>", "special": true}],
    "pre_tokenizer": {"type": "ByteLevel", "use_regex": true}, "decoder": {"type": "ByteLevel"},
    "model": {"type": "BPE", "vocab": {"a": 2, "b": 3}, "merges": []}})");
  write_json(home_ / "generation_config.json", {{"eos_token_id", {3, 1}}});
  write_json(home_ / "tokenizer_config.json", {{"eos_token", "</s>"}, {"chat_template", "hello"}});
  const ModelText text = load_text(home_);
  EXPECT_THAT(text.end_tokens, ElementsAre(3, 1));
  EXPECT_EQ("hello", text.chat_template->source());
}

}  // namespace
}  // namespace maru::infer
