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
  fs::path gguf(const More& more,
                const std::vector<std::string>& tokens = {"<s>", "</s>", "a", "b", "ab", "<|eot_id|>", "<turn>"},
                const std::vector<int32_t>& types = {3, 3, 1, 1, 1, 3, 3}) {
    const fs::path file = home_ / "m.gguf";
    formats::GgufWriter writer(file);
    writer.set("general.architecture", "llama");
    writer.set("tokenizer.ggml.model", "gpt2");
    writer.set("tokenizer.ggml.pre", "gpt-2");
    writer.set("tokenizer.ggml.tokens", tokens);
    writer.set("tokenizer.ggml.token_type", types);
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

  /// The end tokens of a directory with these files beside its tokenizer, of `a` to `d` and what `more` lists.
  std::vector<int32_t> ends(const std::vector<std::pair<std::string, Json>>& files, const std::string& more = "") {
    fs::remove_all(home_);
    fs::create_directories(home_);
    write_file(home_ / "tokenizer.json", R"({"version": "1.0", "added_tokens": [{"id": 1, "content": "</s>",
      "special": true})" + more + R"(], "pre_tokenizer": {"type": "ByteLevel", "use_regex": true},
      "decoder": {"type": "ByteLevel"},
      "model": {"type": "BPE", "vocab": {"a": 2, "b": 3, "c": 4, "d": 5}, "merges": []}})");
    for (const auto& [name, json] : files) write_json(home_ / name, json);
    return load_text(home_).end_tokens;
  }
  std::string ends_error(const Json& eos) {
    try {
      ends({{"config.json", {{"eos_token_id", eos}}}});
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
          R"({"version": "1.0", "added_tokens": [{"id": 1, "content": "<stop here>", "special": true}],
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
  EXPECT_THAT(
      error_of([](formats::GgufWriter& w) { w.set("tokenizer.ggml.precompiled_charsmap", std::vector<int32_t>{1}); }),
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

TEST_F(ModelTextTest, EndsOfEveryFileOfADirectory) {
  const std::string config = "config.json", generation = "generation_config.json", own = "tokenizer_config.json";
  const auto eos = [](const Json& id) { return Json{{"eos_token_id", id}}; };
  EXPECT_THAT(ends({}), ElementsAre(1));
  EXPECT_THAT(ends({{config, eos(4)}}), ElementsAre(4, 1)) << "config.json alone";
  EXPECT_THAT(ends({{config, eos({4, 5})}}), ElementsAre(4, 5, 1));
  EXPECT_THAT(ends({{generation, eos({3, 1})}, {config, eos(4)}}), ElementsAre(3, 1, 4));
  EXPECT_THAT(ends({{generation, eos({3, 4})}, {config, eos({4, 3})}}), ElementsAre(3, 4, 1)) << "each once";
  EXPECT_THAT(ends({{own, eos(2)}}), ElementsAre(2, 1));
  EXPECT_THAT(ends({{own, {{"eos_token", "d"}}}}), ElementsAre(5));
  EXPECT_THAT(ends({{own, {{"eos_token", {{"content", "d"}}}}}, {config, eos(2)}}), ElementsAre(2, 5));
  EXPECT_THAT(ends({{"special_tokens_map.json", {{"eos_token", "d"}}}}), ElementsAre(5));
  EXPECT_THAT(ends({{"special_tokens_map.json", {{"eos_token", "d"}}}, {own, {{"eos_token", "c"}}}}), ElementsAre(4))
      << "the configuration wins";
  for (const Json& none : {Json(), Json(-1), Json::array()}) EXPECT_THAT(ends({{config, eos(none)}}), ElementsAre(1));
  EXPECT_THAT(ends({{config, eos(200000)}}), ElementsAre(200000, 1)) << "beyond the vocabulary: a model may give it";
  for (const Json& bad :
       {Json("2"), Json(2.5), Json(true), Json::object({{"id", 2}}), Json::array({{2}}), Json(uint64_t{1} << 40)})
    EXPECT_THAT(ends_error(bad), HasSubstr("config.json: eos_token_id: expected a token id or a list"));
}

TEST_F(ModelTextTest, TurnEndsAreKnownByTheirSpelling) {
  for (const char* spelling : {"<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|end|>", "[|endofturn|]", "<|endofturn|>",
                               "<|endoftext|>", "<|eom_id|>", "<|end_of_text|>", "<EOT>"})
    for (const char* special : {"true", "false"}) {
      const std::string more =
          std::string(R"(, {"id": 9, "content": ")") + spelling + R"(", "special": )" + special + "}";
      EXPECT_THAT(ends({}, more), testing::Contains(9)) << spelling;
    }
  EXPECT_THAT(ends({}, R"(, {"id": 9, "content": "<|im_start|>", "special": true})"), ElementsAre(1));
}

TEST_F(ModelTextTest, TurnEndsThatAFileTypesAsTextEndTurns) {
  for (const int32_t type : {1, 3, 4}) {
    const ModelText text =
        load_text(gguf([&](formats::GgufWriter& w) { w.set("tokenizer.ggml.eos_token_id", uint32_t{5}); },
                       {"a", "b", "ab", "<|im_end|>", "<end_of_turn>", "</s>"}, {1, 1, 1, type, type, 3}));
    EXPECT_THAT(text.end_tokens, ElementsAre(5, 3, 4)) << type;
    EXPECT_TRUE(text.tokenizer.is_special(3)) << type;
    EXPECT_THAT(text.tokenizer.encode("ab<|im_end|>ab"), ElementsAre(2, 3, 2)) << type;
  }
}

}  // namespace
}  // namespace maru::infer
