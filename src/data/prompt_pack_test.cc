// Prompts that are answered in training: their lines, what is wrong with them, and what is packed of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/byte_source.h"
#include "data/pack.h"
#include "data/test_byte_tokenizer.h"
#include "formats/token_dataset.h"
#include "ledger/verify.h"

namespace maru::data {
namespace {

using testing::HasSubstr;

class PromptPackTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(root_ / "tokenizer");
    write_file(root_ / "tokenizer/tokenizer.json", byte_tokenizer());
    write_json(root_ / "tokenizer/tokenizer_config.json",
               {{"bos_token", "<|begin_of_text|>"}, {"eos_token", "<|end_of_text|>"}});
    options_ = {root_ / "tokenizer", root_ / "d/tokens-t", root_};
  }
  void TearDown() override { fs::remove_all(root_); }

  PackResult pack(const std::string& text, double held_out = 0) {
    write_file(root_ / "prompts.jsonl", text);
    return pack_prompts({{(root_ / "prompts.jsonl").string()}, {}, held_out}, options_, pool_);
  }
  std::string error_of(const std::string& text) {
    try {
      pack(text);
      return "none";
    } catch (const Failure& e) {
      return e.what();
    }
  }
  std::vector<Json> lines(const char* split) {
    std::vector<Json> all;
    LineReader reader(prompt_lines_file(options_.output, split));
    while (const auto line = reader.next()) all.push_back(parse_json(*line, "lines").value());
    return all;
  }
  const fs::path root_ = fs::temp_directory_path() / ("maru_prompt_pack_" + std::to_string(::getpid()));
  PackOptions options_;
  ThreadPool pool_{2};
};

// Special tokens as their numbers.
std::string shown(const formats::TokenDocument& document) {
  std::string text;
  for (int64_t i = 0; i < document.tokens.size(); ++i) {
    const int32_t id = document.tokens[i];
    text += id < 4 ? "<" + std::to_string(id) + ">" : std::string(1, static_cast<char>(id - 4));
  }
  return text;
}

TEST_F(PromptPackTest, ADocumentOfEachLineWithItsColumnsBesideIt) {
  const PackResult result = pack(
      "{\"prompt\": \"2+2\", \"answer\": 4}\n\n"
      "{\"prompt\": [{\"role\": \"system\", \"content\": \"s\"}, {\"role\": \"user\", \"content\": "
      "\"<|im_end|>\"}]}\n");
  EXPECT_EQ(2, result.documents);
  const formats::TokenDataset train(options_.output, "train");
  EXPECT_EQ("<0><2>user\n2+2<3>\n<2>assistant\n", shown(train.document(0)));
  EXPECT_EQ("<0><2>system\ns<3>\n<2>user\n<|im_end|><3>\n<2>assistant\n", shown(train.document(1)));
  EXPECT_EQ(3u, train.document(0).source_bytes);
  const std::vector<Json> beside = lines("train");
  ASSERT_EQ(2u, beside.size());
  EXPECT_EQ("prompts.jsonl:1", beside[0]["where"]);
  EXPECT_EQ(4, beside[0]["line"]["answer"]);
  EXPECT_EQ("prompts.jsonl:3", beside[1]["where"]);
  EXPECT_EQ(2, ledger::read_manifest(options_.output).notes["prompts"].get<int64_t>());
  EXPECT_TRUE(lines("held_out").empty());
  EXPECT_TRUE(ledger::verify(options_.output).ok());
  EXPECT_TRUE(pack(read_file(root_ / "prompts.jsonl")).skipped);
}

TEST_F(PromptPackTest, WhatIsHeldOutHasItsLinesToo) {
  std::string text;
  for (int i = 0; i < 200; ++i) text += Json{{"prompt", "p" + std::to_string(i)}, {"i", i}}.dump() + "\n";
  pack(text, 0.3);
  for (const char* split : {"train", "held_out"}) {
    const formats::TokenDataset documents(options_.output, split);
    const std::vector<Json> beside = lines(split);
    ASSERT_EQ(documents.num_documents(), std::ssize(beside));
    EXPECT_GT(beside.size(), 20u);
    for (size_t i = 0; i < beside.size(); ++i)
      EXPECT_THAT(shown(documents.document(static_cast<int64_t>(i))),
                  HasSubstr("\n" + beside[i]["line"]["prompt"].get<std::string>() + "<3>"));
  }
}

TEST_F(PromptPackTest, BadLinesAreRefusedByFileLineAndField) {
  const std::string at = (root_ / "prompts.jsonl").string() + ":2: ", good = "{\"prompt\": \"a\"}\n";
  EXPECT_EQ(at + "prompt: is missing, expected a text or a list of messages", error_of(good + "{\"text\": \"a\"}"));
  EXPECT_EQ(at + "prompt: is empty: expected a text or a list of messages", error_of(good + "{\"prompt\": \"\"}"));
  EXPECT_THAT(error_of(good + "{\"prompt\": []}"), HasSubstr(at + "prompt: expected a text or a list of messages"));
  EXPECT_THAT(error_of(good + "{\"prompt\": 5}"), HasSubstr(at + "prompt: expected a string"));
  EXPECT_THAT(error_of(good + "{\"prompt\": null}"), HasSubstr(at + "prompt: "));
  EXPECT_THAT(error_of(good + "[1]"), HasSubstr(at));
  EXPECT_EQ(at + "key \"answer\" appears twice", error_of(good + R"({"prompt": "a", "answer": "1", "answer": "2"})"));
  EXPECT_THAT(error_of(good + "{\"prompt\": \"a\""), HasSubstr("prompts.jsonl:2:1:15: syntax error"));
  EXPECT_EQ(at + "prompt[0].role: the assistant has the last word: expected a turn that it answers",
            error_of(good + R"({"prompt": [{"role": "assistant", "content": "a"}]})"));
  EXPECT_THAT(error_of(good + R"({"prompt": [{"role": "user"}]})"), HasSubstr(at + "prompt[0].content"));
  EXPECT_THAT(error_of(good + R"({"prompt": "a", "tools": "x"})"), HasSubstr(at + "tools: "));
  EXPECT_THAT(error_of(""), HasSubstr("contains no documents"));
  EXPECT_FALSE(fs::exists(options_.output));
}

}  // namespace
}  // namespace maru::data
