// Tokenizers of every kind of file, exported and read back: the same ids, and what is said of llama.cpp's.
#include "infer/gguf_text.h"

#include <gmock/gmock.h>

#include <cstring>

#include "base/json.h"
#include "base/thread_pool.h"
#include "infer/model_text.h"
#include "text/chat/tokenizer_directory.h"
#include "text/tokenizer/files/load_tokenizer.h"
#include "text/tokenizer/files/script_lines.h"
#include "text/tokenizer/train/bpe_trainer.h"

namespace maru::infer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// --- SentencePiece's files, byte by byte
// ---------------------------------------------------------------------------------

std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}
std::string field(uint32_t number, std::string_view bytes) {
  return varint(number << 3 | 2) + varint(bytes.size()) + std::string(bytes);
}
std::string flag(uint32_t number, uint64_t value) { return varint(number << 3) + varint(value); }
std::string piece(std::string_view text, float score, int type = 1) {
  std::string number(4, '\0');
  std::memcpy(number.data(), &score, 4);
  return field(1, field(1, text) + varint(2 << 3 | 5) + number + flag(3, static_cast<uint64_t>(type)));
}
/// BPE (2) or Unigram (1) with all bytes and some pieces. `normalizer`: fields of the normaliser's message.
std::string pieces(int model_type, const std::string& normalizer) {
  std::string bytes = piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("</s>", 0, 3);
  for (int b = 0; b < 256; ++b) {
    const std::string_view digits = "0123456789ABCDEF";
    bytes += piece(std::string("<0x") + digits[b / 16] + digits[b % 16] + ">", 0, 6);
  }
  bytes += piece("<sep>", 0, 4);
  const std::vector<std::string> words{"▁", "a", "n", "d", "e", "가", "▁a", "an", "▁an", "▁and", "de", "▁▁"};
  for (size_t i = 0; i < words.size(); ++i) bytes += piece(words[i], -1 - static_cast<float>(i % 7));
  return bytes + field(2, flag(3, static_cast<uint64_t>(model_type)) + flag(35, 1)) + field(3, normalizer);
}

class GgufTextTest : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(model_); }
  void TearDown() override { fs::remove_all(home_); }

  TokenizerExport put(int64_t vocab_size, const std::string& chat_template = "") {
    formats::GgufWriter writer(home_ / "m.gguf");
    writer.set("general.architecture", "llama");
    const TokenizerExport result = put_text(writer, model_, chat_template, vocab_size);
    writer.commit();
    return result;
  }
  std::string error_of(int64_t vocab_size) {
    try {
      put(vocab_size);
      return "no error";
    } catch (const Failure& e) {
      return e.what();
    }
  }
  ModelText read() { return load_text(home_ / "m.gguf"); }
  /// Every line gives the ids that the directory's own tokenizer gives, and the same text again.
  void expect_same_ids() {
    const text::Tokenizer ours = text::load_tokenizer(model_), theirs = read().tokenizer;
    for (const std::string& line : text::script_lines()) {
      for (const bool special : {false, true})
        ASSERT_EQ(ours.encode(line, {.add_special_tokens = special}),
                  theirs.encode(line, {.add_special_tokens = special}))
            << line;
      const std::vector<int32_t> ids = ours.encode(line);
      ASSERT_EQ(ours.decode(ids), theirs.decode(ids)) << line;
    }
    EXPECT_EQ(ours.bos(), theirs.bos());
    EXPECT_EQ(ours.eos(), theirs.eos());
  }
  /// Of Korean and English text, or of lines of every script.
  text::Tokenizer trained(const std::string& pattern, bool every_script = false) {
    std::string text = read_file("tests/texts/ko.txt") + read_file("tests/texts/en.txt");
    for (const std::string& line : text::script_lines()) text += every_script ? line + "\n" : "";
    write_file(home_ / "text.txt", text);
    ThreadPool pool(1);
    const text::BpeTrainerConfig config{.vocab_size = 900, .pattern = pattern};
    return text::train_tokenizer({home_ / "text.txt"}, config, pool).tokenizer;
  }

  const fs::path home_ = fs::temp_directory_path() / ("maru_gguf_text_" + std::to_string(::getpid()));
  const fs::path model_ = home_ / "model";
};

TEST_F(GgufTextTest, OurOwnSplitHasANameThatGivesItsIds) {
  text::write_tokenizer_files(model_, trained(""));
  const TokenizerExport result = put(900);
  EXPECT_EQ("llama-bpe", result.pre);
  EXPECT_TRUE(result.exact);
  ASSERT_TRUE(result.trial);
  EXPECT_EQ(0, result.trial->differing);
  EXPECT_EQ(static_cast<int64_t>(text::script_lines().size()), result.trial->lines);
  expect_same_ids();
}

TEST_F(GgufTextTest, TheNearestSplitIsNamedWithWhatItCosts) {
  text::write_tokenizer_files(model_, trained(R"(\p{L}{1,3}|[^\p{L}]+)", true));
  const TokenizerExport result = put(900);
  EXPECT_FALSE(result.exact);
  ASSERT_TRUE(result.trial);
  EXPECT_GT(result.trial->differing, 50);
  EXPECT_LT(result.trial->differing, result.trial->lines);
  EXPECT_NE(result.trial->tokens, result.trial->tokens_in_gguf);
  EXPECT_EQ(result.trial->pre, result.pre);
  expect_same_ids();  // by tokenizer.huggingface.json
}

TEST_F(GgufTextTest, SentencePieceFilesKeepTheirScores) {
  for (const int type : {1, 2}) {
    write_file(model_ / "tokenizer.model", pieces(type, flag(3, 1) + flag(4, 0)));
    const TokenizerExport result = put(280, "{{ messages }}");
    EXPECT_EQ(type == 1 ? "t5" : "llama", result.model);
    EXPECT_EQ(type == 2, result.exact) << "llama.cpp has no bytes for characters without a piece in Unigram";
    const formats::GgufFile file = formats::GgufFile::open(home_ / "m.gguf").value();
    EXPECT_EQ(280u, file.find("tokenizer.ggml.tokens")->as_texts()->size());
    EXPECT_EQ("[PAD279]", file.find("tokenizer.ggml.tokens")->as_texts()->back());
    EXPECT_EQ(-3, file.find("tokenizer.ggml.scores")->as_numbers()->at(262));
    EXPECT_EQ(5, file.find("tokenizer.ggml.token_type")->as_integers()->back());
    EXPECT_EQ(false, file.boolean("tokenizer.ggml.add_bos_token"));
    EXPECT_EQ("{{ messages }}", file.text("tokenizer.chat_template"));
    EXPECT_THAT(read().end_tokens, ElementsAre(2));
    expect_same_ids();
  }
}

TEST_F(GgufTextTest, WhatReadersIgnoreIsCountedAndKept) {
  write_file(model_ / "tokenizer.model", pieces(2, flag(3, 1) + flag(4, 1)));  // extra spaces are dropped
  write_json(model_ / "tokenizer_config.json", {{"tokenizer_class", "LlamaTokenizer"}, {"add_eos_token", true}});
  write_json(model_ / "added_tokens.json", {{"<|im_end|>", 273}, {"<tool>", 272}});
  const TokenizerExport result = put(280);
  EXPECT_FALSE(result.exact);
  EXPECT_GT(result.trial->differing, 0);
  EXPECT_LT(result.trial->differing, result.trial->lines / 2);
  const formats::GgufFile file = formats::GgufFile::open(home_ / "m.gguf").value();
  EXPECT_EQ("<|im_end|>", file.find("tokenizer.ggml.tokens")->as_texts()->at(273));
  EXPECT_EQ(4, file.find("tokenizer.ggml.token_type")->as_integers()->at(272));
  EXPECT_EQ(true, file.boolean("tokenizer.ggml.add_bos_token"));
  EXPECT_EQ(true, file.boolean("tokenizer.ggml.add_eos_token"));
  EXPECT_THAT(read().tokenizer.encode("a<tool>a", {.add_special_tokens = true}), ElementsAre(1, 266, 272, 261, 2));
  expect_same_ids();
}

TEST_F(GgufTextTest, NamedTokensAreControlInTheFile) {
  const std::string vocab = R"({"a": 0, "b": 1, "ab": 2, "<e>": 3})";
  const auto type_of_last = [&] {
    put(6);
    const formats::GgufFile file = formats::GgufFile::open(home_ / "m.gguf").value();
    EXPECT_EQ(3, file.integer("tokenizer.ggml.eos_token_id"));
    return file.find("tokenizer.ggml.token_type")->as_integers()->at(3);
  };
  write_file(model_ / "vocab.json", vocab);
  write_file(model_ / "merges.txt", "a b\n");
  write_json(model_ / "tokenizer_config.json", {{"eos_token", "<e>"}});
  EXPECT_EQ(3, type_of_last());
  write_file(model_ / "tokenizer.json", R"({"version": "1.0", "pre_tokenizer": {"type": "ByteLevel",
    "use_regex": true, "add_prefix_space": false}, "decoder": {"type": "ByteLevel"},
    "model": {"type": "BPE", "merges": ["a b"], "vocab": )" +
                                            vocab + "}}");
  EXPECT_EQ(3, type_of_last());
  write_json(model_ / "tokenizer_config.json", Json::object());
  write_json(model_ / "special_tokens_map.json", {{"eos_token", {{"content", "<e>"}}}});
  EXPECT_EQ(3, type_of_last());
}

TEST_F(GgufTextTest, WhatGgufCannotSayIsRefused) {
  EXPECT_THAT(error_of(280), HasSubstr("no tokenizer.json, tokenizer.model"));
  write_file(model_ / "tokenizer.model", pieces(1, flag(3, 1)));
  EXPECT_THAT(error_of(100), HasSubstr("272 tokens, expected at most the model's 100"));
  write_file(model_ / "tokenizer.model", pieces(1, flag(3, 1) + flag(5, 0)));
  EXPECT_THAT(error_of(280), HasSubstr("plain spaces in pieces"));
  fs::remove(model_ / "tokenizer.model");
  write_file(model_ / "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n");
  EXPECT_THAT(error_of(6), HasSubstr("a WordPiece model cannot be exported to GGUF"));
}

}  // namespace
}  // namespace maru::infer
