#include "text/tokenizer/files/tokenizer_json.h"

#include <gmock/gmock.h>

#include "base/json.h"
#include "base/random.h"
#include "text/tokenizer/byte_alphabet.h"
#include "text/tokenizer/files/load_tokenizer.h"
#include "text/tokenizer/train/testing.h"

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
  const Result<Tokenizer> result = parse_tokenizer(file.dump(), "t.json");
  return result.ok() ? "no error" : std::string(name_of(result.error().code)) + " " + result.error().message;
}

TEST(TokenizerJson, ReadsGpt2StyleFiles) {
  const Tokenizer t = parse_tokenizer(small_file().dump(), "t.json").value();
  EXPECT_THAT(t.encode("ab<s>", {.add_special_tokens = true}), testing::ElementsAre(257, 256, 257));
  EXPECT_EQ(t.bos(), 257);
  EXPECT_EQ(t.vocab_size(), 258);
}

TEST(TokenizerJson, MergesMayBePairs) {
  Json file = small_file();
  file["model"]["merges"] = Json::parse(R"([["a", "b"]])");
  EXPECT_THAT(parse_tokenizer(file.dump(), "t.json").value().encode("ab"), testing::ElementsAre(256));
}

TEST(TokenizerJson, IgnoreMergesTakesWholeTokens) {
  Json file = small_file();
  file["model"]["merges"] = Json::array();
  EXPECT_THAT(parse_tokenizer(file.dump(), "t.json").value().encode("ab"), testing::ElementsAre('a', 'b'));
  file["model"]["ignore_merges"] = true;
  EXPECT_THAT(parse_tokenizer(file.dump(), "t.json").value().encode("ab"), testing::ElementsAre(256));
}

TEST(TokenizerJson, NfcAndTokensOfNormalisedText) {
  Json file = small_file();
  file["normalizer"] = {{"type", "NFC"}};
  file["added_tokens"].push_back({{"id", 258}, {"content", "한"}, {"normalized", true}, {"special", false}});
  const Tokenizer t = parse_tokenizer(file.dump(), "t.json").value();
  EXPECT_THAT(t.encode("\u1112\u1161\u11ab"), testing::ElementsAre(258));
}

TEST(TokenizerJson, WritingAndReadingIsTheIdentity) {
  const Tokenizer t = small_tokenizer();
  const Tokenizer again = parse_tokenizer(write_tokenizer_json(t.spec()), "again").value();
  EXPECT_EQ(write_tokenizer_json(again.spec()), write_tokenizer_json(t.spec()));
  EXPECT_EQ(std::get<BpeSpec>(again.spec().model).merges, std::get<BpeSpec>(t.spec().model).merges);
  ASSERT_EQ(again.spec().pre_tokenizer.steps.size(), 2u);
  EXPECT_EQ(std::get<pre_tokenizers::Split>(again.spec().pre_tokenizer.steps[0]).pattern.text, maru_pattern());
  EXPECT_TRUE(again.spec().byte_level);
  EXPECT_EQ(again.encode("가나다 the abab 123"), t.encode("가나다 the abab 123"));
  const Tokenizer gpt2 = parse_tokenizer(small_file().dump(), "t.json").value();
  EXPECT_EQ(
      parse_tokenizer(write_tokenizer_json(gpt2.spec()), "again").value().encode("ab ab", {.add_special_tokens = true}),
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
        Damage{"", "[]", "invalid_argument t.json: expected an object"},
        Damage{"/version", "\"2.0\"", "unimplemented t.json: version"},
        Damage{"/truncation", "3", "t.json: truncation: expected an object, got 3"},
        Damage{"/truncation", R"({"max_length": -1})",
               "t.json: truncation.max_length: expected a whole number of at least 0, got -1"},
        Damage{"/padding", R"({"pad_id": "x"})", "t.json: padding.pad_id: expected a token id"},
        Damage{"/normalizer", R"({"type": "Lowercased"})", "unimplemented t.json: normalizer: normalizer Lowercased"},
        Damage{"/normalizer", "3", "t.json: normalizer: expected an object, got 3"},
        Damage{"/normalizer", R"({"type": "Precompiled", "precompiled_charsmap": "!"})",
               "t.json: normalizer.precompiled_charsmap: expected base64"},
        Damage{"/normalizer", R"({"type": "Precompiled", "precompiled_charsmap": "AAAAAAAA"})",
               "t.json: normalizer.precompiled_charsmap: the table says that it takes 0 of 2 bytes"},
        Damage{"/normalizer", R"({"type": "Replace", "pattern": {"Regex": "("}, "content": ""})",
               "t.json: normalizer: not a valid regular expression"},
        Damage{"/pre_tokenizer", R"({"type": "Words"})", "pre-tokenizer Words is not supported"},
        Damage{"/pre_tokenizer", R"({"type": "FixedLength", "length": 0})", "t.json: pre_tokenizer.length"},
        Damage{"/pre_tokenizer", R"({"type": "Metaspace", "replacement": "ab"})",
               "t.json: pre_tokenizer.replacement: expected one character, got \"ab\""},
        Damage{"/pre_tokenizer", R"({"type": "Metaspace", "prepend_scheme": "last"})",
               "t.json: pre_tokenizer.prepend_scheme: expected always, first or never"},
        Damage{"/pre_tokenizer",
               R"({"type": "Sequence", "pretokenizers": [{"type": "Split", "behavior": "Lost", "pattern": {}}]})",
               "t.json: pre_tokenizer.pretokenizers[0].pattern.String: is missing, expected a string"},
        Damage{"/pre_tokenizer",
               R"({"type": "Sequence", "pretokenizers": [{"type": "Split", "behavior": "Lost",
                  "pattern": {"String": "a"}}]})",
               "t.json: pre_tokenizer.pretokenizers[0].behavior: expected Isolated"},
        Damage{"/pre_tokenizer",
               R"({"type": "Sequence", "pretokenizers": [{"type": "Split", "behavior": "Isolated",
                  "pattern": {"Regex": "("}}, {"type": "ByteLevel", "add_prefix_space": false}]})",
               "t.json: pre_tokenizer: not a valid regular expression"},
        Damage{"/model/type", "\"Morfessor\"", "unimplemented t.json: model.type: model Morfessor"},
        Damage{"/model/dropout", "0.1", "unimplemented t.json: model.dropout: dropout"},
        Damage{"/model/unk_token", "\"<unk>\"", "no error"},
        Damage{"/model/vocab", "[]", "t.json: model.vocab: expected an object of tokens and ids, got []"},
        Damage{"/model/vocab/a", "-1", "t.json: model.vocab.a: expected a token id, got -1"},
        Damage{"/model/vocab/a", "1.5", "t.json: model.vocab.a: expected a token id, got 1.5"},
        Damage{"/model/vocab/a", "2000000000", "t.json: model.vocab.a: expected an id below"},
        Damage{"/model/vocab/b", "97", "expected an id of its own"},
        Damage{"/model", R"({"type": "BPE", "unk_token": "<unk>", "vocab": {"a": 0}, "merges": []})",
               "t.json: the unknown token \"<unk>\" is no token"},
        Damage{"/model", R"({"type": "Unigram", "unk_id": 3, "vocab": [["a", 0.5]]})",
               "t.json: model.unk_id: expected an id below 1"},
        Damage{"/model", R"({"type": "Unigram", "vocab": [["a"]]})",
               "t.json: model.vocab[0]: expected a token and its"},
        Damage{"/model/merges", "{}", "t.json: model.merges: expected a list"},
        Damage{"/model/merges/0", "\"ab\"", "t.json: model.merges[0]: expected two tokens and a space, got \"ab\""},
        Damage{"/model/merges/0", "\"a c\"", "t.json: model.merges[0]: expected tokens of model.vocab (\"ac\""},
        Damage{"/model/merges/0", "[1, 2]", "t.json: model.merges[0][0]: expected a string, got 1"},
        Damage{"/added_tokens/0/id", "3", "t.json: added_tokens[0].id: expected an id of its own"},
        Damage{"/added_tokens/0/content", "\"ab\"", "t.json: added_tokens[0].id: expected 256"},
        Damage{"/added_tokens/0/content", "\"\"", "t.json: added_tokens[0].content: expected 1 to 1024 bytes"},
        Damage{"/post_processor", R"({"type": "RobertaProcessing"})",
               "t.json: post_processor.sep: is missing, expected a list"},
        Damage{"/post_processor", R"({"type": "BertProcessing", "sep": ["x", 999], "cls": ["<s>", 257]})",
               "t.json: post_processor.sep: no token has id 999"},
        Damage{"/post_processor/processors/0", R"({"type": "BertProcessing", "sep": ["x", 2], "cls": ["y", 3]})",
               "unimplemented t.json: post_processor: a second post-processor"},
        Damage{"/post_processor/processors/1/special_tokens/<s>/ids/0", "999", "no token has id 999"},
        Damage{"/decoder", R"({"type": "CTC"})", "unimplemented t.json: decoder: decoder CTC"}));

TEST(TokenizerJson, NoBytesCrashTheReader) {
  const std::string good = small_file().dump();
  EXPECT_THAT(parse_tokenizer("{\n\n}x", "t.json").error().message, HasSubstr("t.json:3:2: syntax error"));
  EXPECT_THAT(parse_tokenizer(std::string(100000, '['), "t.json").error().message, HasSubstr("t.json"));
  Random random(6);
  for (int round = 0; round < 300; ++round) {
    std::string bad = good.substr(0, random.below(3) == 0 ? random.below(good.size()) : good.size());
    for (int i = 0; i < 3 && !bad.empty(); ++i) bad[random.below(bad.size())] = static_cast<char>(random.below(256));
    const Result<Tokenizer> result = parse_tokenizer(bad, "t.json");
    if (result.ok())
      EXPECT_GE(result.value().vocab_size(), 258);
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

}  // namespace
}  // namespace maru::text
