// Tokens that files beside a vocabulary name.
#include "text/tokenizer/files/named_tokens.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "text/tokenizer/files/load_tokenizer.h"
#include "text/tokenizer/files/tokenizer_json.h"
#include "text/tokenizer/tokenizer.h"

namespace maru::text {
namespace {

/// A directory of files by their names, with GPT-2's two files of `a b ab < x > <e>` unless there is another
/// vocabulary.
class NamedTokens : public testing::Test {
 protected:
  void TearDown() override { fs::remove_all(home_); }
  Tokenizer load(const std::vector<std::pair<std::string, std::string>>& files, bool json = false) {
    fs::remove_all(home_);
    fs::create_directories(home_);
    const std::string vocab = R"({"a": 0, "b": 1, "ab": 2, "<": 3, "x": 4, ">": 5, "<e>": 6})";
    if (json) {
      write_file(home_ / "tokenizer.json", R"({"version": "1.0", "added_tokens": [{"id": 8, "content": "<k>"}],
        "pre_tokenizer": {"type": "ByteLevel", "use_regex": true, "add_prefix_space": false},
        "decoder": {"type": "ByteLevel"}, "model": {"type": "BPE", "merges": [["a", "b"]], "vocab": )" +
                                               vocab + "}}");
    } else {
      write_file(home_ / "vocab.json", vocab);
      write_file(home_ / "merges.txt", "#version: 0.2\na b\n");
    }
    for (const auto& [name, text] : files) write_file(home_ / name, text);
    return load_tokenizer(home_);
  }
  std::string error_of(const std::vector<std::pair<std::string, std::string>>& files) {
    try {
      load(files, true);
      return "no error";
    } catch (const Failure& failure) {
      return failure.what();
    }
  }
  const fs::path home_ = fs::temp_directory_path() / ("maru_named_" + std::to_string(::getpid()));
};

// What `transformers` gives for the same directories (tests/reference/named_tokens_reference_test.py).
TEST_F(NamedTokens, EverySourceIsSeenInText) {
  struct Case {
    std::string file, text;
    std::vector<int32_t> x, e;  // of "ab<x>ab" and "ab<e>ab"
    bool special_x = false, special_e = false;
  };
  const std::vector<int32_t> plain_x{2, 3, 4, 5, 2}, whole_x{2, 7, 2}, plain_e{2, 3, 5, 2}, whole_e{2, 6, 2};
  const std::string config = "tokenizer_config.json", map = "special_tokens_map.json", list = "added_tokens.json";
  const std::vector<Case> cases{
      {list, R"({"<x>": 7})", whole_x, plain_e},
      {config, R"({"added_tokens_decoder": {"7": {"content": "<x>"}}})", whole_x, plain_e},
      {config, R"({"added_tokens_decoder": {"7": {"content": "<x>", "special": true}}})", whole_x, plain_e, true},
      {config, R"({"eos_token": "<e>"})", plain_x, whole_e, false, true},
      {config, R"({"eos_token": {"content": "<e>", "__type": "AddedToken"}})", plain_x, whole_e, false, true},
      {config, R"({"pad_token": "<e>"})", plain_x, whole_e, false, true},
      {config, R"({"unk_token": "<e>"})", plain_x, whole_e, false, true},
      {config, R"({"mask_token": "<e>", "bos_token": null})", plain_x, whole_e, false, true},
      {map, R"({"eos_token": "<e>"})", plain_x, whole_e, false, true},
      {map, R"({"eos_token": {"content": "<e>", "lstrip": false}})", plain_x, whole_e, false, true},
      {config, R"({"additional_special_tokens": ["<e>"]})", plain_x, whole_e, false, true},
      {config, R"({"extra_special_tokens": {"image_token": "<e>"}})", plain_x, whole_e, false, true},
      {config, R"({"extra_special_tokens": ["<e>"]})", plain_x, whole_e, false, true},
      {config, R"({"eos_token": "<nowhere>"})", plain_x, plain_e}};
  for (const bool json : {false, true}) {
    for (const Case& c : cases) {
      const Tokenizer t = load({{c.file, c.text}}, json);
      EXPECT_EQ(t.encode("ab<x>ab"), c.x) << c.file << c.text;
      EXPECT_EQ(t.encode("ab<e>ab"), c.e) << c.file << c.text;
      EXPECT_EQ(t.is_special(7), c.special_x) << c.file << c.text;
      EXPECT_EQ(t.is_special(6), c.special_e) << c.file << c.text;
      EXPECT_EQ(t.decode(std::vector<int32_t>{2, 6}, true), c.special_e ? "ab" : "ab<e>") << c.text;
    }
  }
}

TEST_F(NamedTokens, OneFileAboveAnother) {
  const std::string config = "tokenizer_config.json", list = "added_tokens.json";
  const Tokenizer special = load({{list, R"({"<x>": 7})"}, {config, R"({"eos_token": "<x>"})"}});
  EXPECT_EQ(special.encode("ab<x>ab"), (std::vector<int32_t>{2, 7, 2}));
  EXPECT_TRUE(special.is_special(7));
  EXPECT_EQ(special.eos(), 7);
  const Tokenizer decoder = load({{list, R"({"<x>": 9})"}, {config, R"({"added_tokens_decoder": {}})"}});
  EXPECT_EQ(decoder.encode("ab<x>ab").size(), 5u) << "added_tokens.json is of before added_tokens_decoder";
  const Tokenizer flags =
      load({{config, R"({"added_tokens_decoder": {"8": {"content": "<k>", "special": true, "rstrip": true}}})"}}, true);
  EXPECT_EQ(flags.encode("ab<k>  ab"), (std::vector<int32_t>{2, 8, 2})) << "the configuration's flags win";
  EXPECT_TRUE(flags.is_special(8));
  const Tokenizer moved = load({{config, R"({"added_tokens_decoder": {"9": {"content": "<k>"}}})"}}, true);
  EXPECT_EQ(moved.encode("<k>"), std::vector<int32_t>{8}) << "the tokenizer's own id";
  const Tokenizer again = parse_tokenizer(write_tokenizer_json(special.spec()), "again").value();
  EXPECT_EQ(again.encode("ab<x>ab"), (std::vector<int32_t>{2, 7, 2}));
}

TEST_F(NamedTokens, WhatIsNoTokenIsNamed) {
  const std::string config = "tokenizer_config.json", list = "added_tokens.json";
  const auto expect = [&](const std::string& file, const std::string& text, const std::string& part) {
    EXPECT_NE(error_of({{file, text}}).find(part), std::string::npos) << error_of({{file, text}});
  };
  expect(config, R"({"eos_token": ["<e>"]})", "tokenizer_config.json: eos_token: expected a token or an object");
  expect(config, R"({"eos_token": 6})", "eos_token: expected a token or an object with its content, got 6");
  expect(config, R"({"eos_token": {"content": "<e>", "special": "no"}})",
         "eos_token.special: expected true or false, got");
  expect(config, R"({"additional_special_tokens": [1]})", "additional_special_tokens[0]: expected a token");
  expect(config, R"({"added_tokens_decoder": ["<x>"]})", "added_tokens_decoder: expected an object");
  expect(config, R"({"added_tokens_decoder": {"x": {"content": "<x>"}}})", "added_tokens_decoder.x: expected an id");
  expect(config, R"({"added_tokens_decoder": {"7": "<x>"}})", "added_tokens_decoder.7: expected an id and an object");
  expect(config, R"({"added_tokens_decoder": {"0": {"content": "<x>"}}})", "which is that of \"a\" in the vocabulary");
  expect(config, "[]", "tokenizer_config.json: expected an object");
  expect(list, R"({"<x>": "7"})", "added_tokens.json: <x>: expected a token id, got \"7\"");
  expect(list, R"({"<x>": -7})", "expected a token id, got -7");
  expect(list, R"({"<x>": 2000000000})", "expected an id below");
}

}  // namespace
}  // namespace maru::text
