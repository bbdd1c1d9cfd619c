#include "text/tokenizer_json.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "base/json.h"
#include "base/random.h"
#include "text/byte_alphabet.h"
#include "text/chat_template.h"
#include "text/scanner.h"
#include "text/testing.h"
#include "text/tokenizer_files.h"

namespace maru::text {
namespace {

using testing::HasSubstr;

// A file in Hugging Face's form: 256 bytes, "ab" and a bos.
Json small_file() {
  Json vocab = Json::object();
  const ByteAlphabet alphabet;
  for (int b = 0; b < 256; ++b) vocab[alphabet.to_characters(std::string(1, static_cast<char>(b)))] = b;
  vocab["ab"] = 256;
  Json file = Json::parse(R"({"version": "1.0", "truncation": null, "padding": null, "normalizer": null,
    "added_tokens": [{"id": 257, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false,
                      "normalized": false, "special": true}],
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
    "post_processor": {"type": "Sequence", "processors": [{"type": "ByteLevel"}, {"type": "TemplateProcessing",
       "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}], "pair": [],
       "special_tokens": {"<s>": {"id": "<s>", "ids": [257], "tokens": ["<s>"]}}}]},
    "decoder": {"type": "ByteLevel"},
    "model": {"type": "BPE", "dropout": null, "unk_token": null, "merges": ["a b"]}})");
  file["model"]["vocab"] = vocab;
  return file;
}

std::string error_of(const Json& file) {
  const Result<Tokenizer> result = Tokenizer::parse(file.dump(), "t.json");
  return result.ok() ? "no error" : std::string(name_of(result.error().code)) + " " + result.error().message;
}

TEST(TokenizerJson, ReadsGpt2StyleFiles) {
  const Tokenizer t = Tokenizer::parse(small_file().dump(), "t.json").value();
  EXPECT_THAT(t.encode("ab<s>", {.add_special_tokens = true}), testing::ElementsAre(257, 256, 257));
  EXPECT_EQ(t.bos(), 257);
  EXPECT_EQ(t.vocab_size(), 258);
}

TEST(TokenizerJson, MergesMayBePairs) {
  Json file = small_file();
  file["model"]["merges"] = Json::parse(R"([["a", "b"]])");
  EXPECT_THAT(Tokenizer::parse(file.dump(), "t.json").value().encode("ab"), testing::ElementsAre(256));
}

TEST(TokenizerJson, IgnoreMergesTakesWholeTokens) {
  Json file = small_file();
  file["model"]["merges"] = Json::array();
  EXPECT_THAT(Tokenizer::parse(file.dump(), "t.json").value().encode("ab"), testing::ElementsAre('a', 'b'));
  file["model"]["ignore_merges"] = true;
  EXPECT_THAT(Tokenizer::parse(file.dump(), "t.json").value().encode("ab"), testing::ElementsAre(256));
}

TEST(TokenizerJson, NfcAndTokensOfNormalisedText) {
  Json file = small_file();
  file["normalizer"] = {{"type", "NFC"}};
  file["added_tokens"].push_back({{"id", 258}, {"content", "한"}, {"normalized", true}, {"special", false}});
  const Tokenizer t = Tokenizer::parse(file.dump(), "t.json").value();
  EXPECT_THAT(t.encode("\u1112\u1161\u11ab"), testing::ElementsAre(258));
}

TEST(TokenizerJson, WritingAndReadingIsTheIdentity) {
  const Tokenizer t = small_tokenizer();
  const Tokenizer again = Tokenizer::parse(t.to_json(), "again").value();
  EXPECT_EQ(again.to_json(), t.to_json());
  EXPECT_EQ(again.spec().merges, t.spec().merges);
  EXPECT_EQ(again.spec().split_patterns, std::vector<std::string>{maru_pattern()});
  EXPECT_EQ(again.encode("가나다 the abab 123"), t.encode("가나다 the abab 123"));
  const Tokenizer gpt2 = Tokenizer::parse(small_file().dump(), "t.json").value();
  EXPECT_EQ(Tokenizer::parse(gpt2.to_json(), "again").value().encode("ab ab", {.add_special_tokens = true}),
            gpt2.encode("ab ab", {.add_special_tokens = true}));
}

struct Damage {
  const char* pointer;  // JSON pointer of what is replaced
  const char* value;
  const char* message;
};

class Damaged : public testing::TestWithParam<Damage> {};
TEST_P(Damaged, IsNamed) {
  Json file = small_file();
  file[Json::json_pointer(GetParam().pointer)] = Json::parse(GetParam().value);
  EXPECT_THAT(error_of(file), HasSubstr(GetParam().message));
}
INSTANTIATE_TEST_SUITE_P(
    Files, Damaged,
    testing::Values(
        Damage{"", "[]", "invalid_argument t.json: : expected an object"},
        Damage{"/version", "\"2.0\"", "unimplemented t.json: version"},
        Damage{"/truncation", "{}", "unimplemented t.json: truncation"},
        Damage{"/normalizer", R"({"type": "Prepend"})", "unimplemented t.json: normalizer: normalizer Prepend"},
        Damage{"/normalizer", "3", "t.json: normalizer: expected an object, got 3"},
        Damage{"/pre_tokenizer", "null", "unimplemented t.json: pre_tokenizer"},
        Damage{"/pre_tokenizer", R"({"type": "Metaspace"})", "pre-tokenizer Metaspace is not supported yet"},
        Damage{"/pre_tokenizer/add_prefix_space", "true", "t.json: pre_tokenizer.add_prefix_space: "},
        Damage{"/pre_tokenizer",
               R"({"type": "Sequence", "pretokenizers": [{"type": "Split", "behavior": "Removed", "pattern": {}}]})",
               "t.json: pre_tokenizer.pretokenizers[0].behavior: behavior Removed"},
        Damage{"/pre_tokenizer",
               R"({"type": "Sequence", "pretokenizers": [{"type": "Split", "behavior": "Isolated",
                  "pattern": {"Regex": "("}}, {"type": "ByteLevel", "add_prefix_space": false}]})",
               "t.json: pre_tokenizer: not a valid regular expression"},
        Damage{"/model/type", "\"Unigram\"", "unimplemented t.json: model.type: model Unigram"},
        Damage{"/model/byte_fallback", "true", "unimplemented t.json: model.byte_fallback"},
        Damage{"/model/vocab", "[]", "t.json: model.vocab: expected an object of tokens and ids, got []"},
        Damage{"/model/vocab/a", "-1", "t.json: model.vocab.a: expected a token id, got -1"},
        Damage{"/model/vocab/a", "1.5", "t.json: model.vocab.a: expected a token id, got 1.5"},
        Damage{"/model/vocab/a", "2000000000", "t.json: model.vocab.a: expected an id below"},
        Damage{"/model/vocab/b", "97", "expected an id of its own"},
        Damage{"/model/vocab", R"({"a": 0, "b": 1, "ab": 2})",
               "t.json: model.vocab: expected a token for each of the 256"},
        Damage{"/model/merges", "{}", "t.json: model.merges: expected a list"},
        Damage{"/model/merges/0", "\"ab\"", "t.json: model.merges[0]: expected two tokens and a space, got \"ab\""},
        Damage{"/model/merges/0", "\"a c\"", "t.json: model.merges[0]: expected tokens of model.vocab (\"ac\""},
        Damage{"/model/merges/0", "[1, 2]", "t.json: model.merges[0][0]: expected a string, got 1"},
        Damage{"/added_tokens/0/lstrip", "true", "unimplemented t.json: added_tokens[0].lstrip"},
        Damage{"/added_tokens/0/id", "3", "t.json: added_tokens[0].id: expected an id of its own"},
        Damage{"/added_tokens/0/content", "\"ab\"", "t.json: added_tokens[0].id: expected 256"},
        Damage{"/added_tokens/0/content", "\"\"", "t.json: added_tokens[0].content: expected 1 to 1024 bytes"},
        Damage{"/post_processor", R"({"type": "RobertaProcessing"})", "unimplemented t.json: post_processor"},
        Damage{"/post_processor/processors/1/special_tokens/<s>/ids/0", "999", "no token has id 999"},
        Damage{"/decoder", R"({"type": "WordPiece"})", "unimplemented t.json: decoder: decoder WordPiece"}));

TEST(TokenizerJson, NoBytesCrashTheReader) {
  const std::string good = small_file().dump();
  EXPECT_THAT(Tokenizer::parse("{\n\n}x", "t.json").error().message, HasSubstr("t.json:3: not JSON at byte"));
  EXPECT_THAT(Tokenizer::parse(std::string(100000, '['), "t.json").error().message, HasSubstr("t.json"));
  Random random(6);
  for (int round = 0; round < 300; ++round) {
    std::string bad = good.substr(0, random.below(3) == 0 ? random.below(good.size()) : good.size());
    for (int i = 0; i < 3 && !bad.empty(); ++i) bad[random.below(bad.size())] = static_cast<char>(random.below(256));
    const Result<Tokenizer> result = Tokenizer::parse(bad, "t.json");
    if (result.ok())
      EXPECT_EQ(result.value().vocab_size(), 258);
    else
      EXPECT_THAT(result.error().message, HasSubstr("t.json"));
  }
}

TEST(ByteAlphabet, IsGpt2s) {
  const ByteAlphabet alphabet;
  EXPECT_EQ(alphabet.to_characters(" a\n한"), "ĠaĊíķľ");
  EXPECT_EQ(alphabet.to_bytes("ĠaĊíķľ"), " a\n한");
  EXPECT_EQ(alphabet.to_bytes("한"), std::nullopt);
  EXPECT_EQ(alphabet.order()[0], '!');
}

TEST(TokenizerFiles, DirectoryLoadsWithItsRoles) {
  const fs::path directory = fs::temp_directory_path() / ("maru_tokenizer_" + std::to_string(::getpid()));
  write_tokenizer_files(directory, small_tokenizer(), {.model_max_length = 512});
  const Tokenizer t = Tokenizer::load(directory);
  EXPECT_EQ(t.bos(), 0);
  EXPECT_EQ(t.eos(), 1);
  EXPECT_EQ(t.pad(), 4);
  const Json config = read_json(directory / "tokenizer_config.json");
  EXPECT_EQ(config["model_max_length"], 512);
  EXPECT_EQ(config["chat_template"], chatml_jinja());
  EXPECT_EQ(config["added_tokens_decoder"]["3"]["content"], "<|im_end|>");
  EXPECT_EQ(read_json(directory / "special_tokens_map.json")["pad_token"], "<|pad|>");
  Json other = config;
  other["eos_token"] = {{"content", "<|im_end|>"}};
  write_json(directory / "tokenizer_config.json", other);
  EXPECT_EQ(Tokenizer::load(directory / "tokenizer.json").eos(), 3);
  fs::remove_all(directory);
  EXPECT_THROW(Tokenizer::load(directory), Failure);
}

}  // namespace
}  // namespace maru::text
