#include "data/pack.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "data/test_byte_tokenizer.h"
#include "data/zstd_file.h"
#include "formats/token_dataset.h"
#include "ledger/artefact_writer.h"
#include "ledger/verify.h"

namespace maru::data {
namespace {

using testing::HasSubstr;

class PackTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(root_ / "tokenizer");
    write_file(root_ / "tokenizer/tokenizer.json", byte_tokenizer());
    write_json(root_ / "tokenizer/tokenizer_config.json",
               {{"bos_token", "<|begin_of_text|>"}, {"eos_token", "<|end_of_text|>"}});
    options_ = {root_ / "tokenizer", root_ / "d/tokens-t", root_, 300};
  }
  void TearDown() override { fs::remove_all(root_); }

  void write_dataset(const std::vector<std::string>& train, const std::vector<std::string>& held_out) {
    ledger::ArtefactWriter writer(root_ / "d");
    for (const auto& [name, lines] : {std::pair{"train", train}, std::pair{"held_out", held_out}}) {
      ZstdFile file(writer.directory() / (std::string(name) + ".jsonl.zst"));
      for (const std::string& line : lines) file.write(line + "\n");
      file.commit();
    }
    ledger::Manifest manifest;
    manifest.kind = "dataset";
    manifest.name = "d";
    writer.commit(manifest);
  }
  static std::string document(const std::string& text) { return Json{{"text", text}}.dump(); }

  std::string message_of(const std::function<void()>& action) {
    try {
      action();
    } catch (const Failure& e) {
      return e.what();
    }
    return "no error";
  }

  const fs::path root_ = fs::temp_directory_path() / ("maru_pack_" + std::to_string(::getpid()));
  PackOptions options_;
  ThreadPool pool_{2};
};

std::vector<int32_t> ids_of(const formats::TokenDocument& document) {
  std::vector<int32_t> ids(static_cast<size_t>(document.tokens.size()));
  document.tokens.copy_to(ids);
  return ids;
}

std::vector<int32_t> bytes_as_ids(const std::string& text) {
  std::vector<int32_t> ids;
  for (const char c : text) ids.push_back(4 + static_cast<unsigned char>(c));
  return ids;
}

TEST_F(PackTest, DocumentsAreBosTokensEos) {
  std::vector<std::string> texts;
  for (int i = 0; i < 30; ++i) texts.push_back("글 " + std::string(static_cast<size_t>(i), 'x') + "<|im_end|>");
  std::vector<std::string> lines;
  for (const std::string& text : texts) lines.push_back(document(text));
  write_dataset(lines, {document("마지막")});
  const PackResult result = pack_dataset(root_ / "d", options_, pool_);
  EXPECT_EQ(31, result.documents);
  const formats::TokenDataset train(options_.output, "train");
  ASSERT_EQ(30, train.num_documents());
  EXPECT_GT(train.shards().size(), 1u);
  EXPECT_EQ(260u, train.vocab_size());
  for (int64_t i = 0; i < 30; ++i) {
    const std::string& text = texts[static_cast<size_t>(i)];
    std::vector<int32_t> expected = bytes_as_ids(text);  // "<|im_end|>" in a text is text
    expected.insert(expected.begin(), 0);
    expected.push_back(1);
    EXPECT_EQ(expected, ids_of(train.document(i)));
    EXPECT_EQ(text.size(), train.document(i).source_bytes);
  }
  EXPECT_EQ(1, formats::TokenDataset(options_.output, "held_out").num_documents());
  EXPECT_TRUE(ledger::verify(options_.output).ok()) << ledger::verify(options_.output).text();
}

TEST_F(PackTest, SameBytesForAnyNumberOfThreadsAndSkipsWhatIsCurrent) {
  std::vector<std::string> lines;
  for (int i = 0; i < 3000; ++i) lines.push_back(document("문서 " + std::to_string(i * 7919)));
  write_dataset(lines, {});
  ThreadPool one(1), three(3);
  EXPECT_FALSE(pack_dataset(root_ / "d", options_, one).skipped);
  const std::string manifest = read_file(options_.output / "manifest.json");
  const PackResult again = pack_dataset(root_ / "d", options_, three);
  EXPECT_TRUE(again.skipped);
  EXPECT_EQ(3000, again.documents);
  options_.force = true;
  EXPECT_FALSE(pack_dataset(root_ / "d", options_, three).skipped);
  EXPECT_EQ(manifest, read_file(options_.output / "manifest.json"));
}

TEST_F(PackTest, ErrorsNameFileLineAndField) {
  write_dataset({document("글"), R"({"body": 1})"}, {});
  const std::string message = message_of([&] { pack_dataset(root_ / "d", options_, pool_); });
  EXPECT_THAT(message, HasSubstr("train.jsonl.zst:2: text: is missing, expected a string"));
  EXPECT_FALSE(fs::exists(options_.output));
  fs::remove(root_ / "tokenizer/tokenizer_config.json");
  write_json(root_ / "tokenizer/tokenizer_config.json", Json::object());
  write_dataset({}, {});
  EXPECT_NE("no error", message_of([&] { pack_dataset(root_ / "d", options_, pool_); }));
}

TEST_F(PackTest, ChatsCarryALossMask) {
  write_file(
      root_ / "chat.jsonl",
      "{\"messages\": [{\"role\": \"user\", \"content\": \"안녕\"}, {\"role\": \"assistant\", \"content\": \"네\"}]}\n"
      "\n{\"prompt\": \"ab\", \"completion\": \"cd\"}\n");
  ChatPackConfig config{{(root_ / "chat.jsonl").string()}, 0};
  EXPECT_EQ(2, pack_chats(config, options_, pool_).documents);
  const formats::TokenDataset train(options_.output, "train");
  ASSERT_TRUE(train.has_mask());
  const formats::TokenDocument second = train.document(1);
  std::string predicted;
  for (int64_t i = 0; i < second.tokens.size(); ++i) predicted += second.mask[i] ? '1' : '0';
  // bos, <|im_start|> user\n ab <|im_end|> \n, <|im_start|> assistant\n; then cd <|im_end|> is learned; \n
  EXPECT_EQ(std::string(1 + 1 + 5 + 2 + 1 + 1 + 1 + 10, '0') + "111" + "0", predicted);
  EXPECT_EQ(2u, second.source_bytes);
  EXPECT_TRUE(ledger::verify(options_.output).ok());
}

TEST_F(PackTest, ChatsSplitByTheirHash) {
  std::string lines;
  for (int i = 0; i < 200; ++i)
    lines += R"({"prompt": ")" + std::to_string(i) +
             R"(", "completion": "x"})"
             "\n";
  write_file(root_ / "chat.jsonl", lines);
  ChatPackConfig config{{(root_ / "chat.jsonl").string()}, 0.3};
  pack_chats(config, options_, pool_);
  const int64_t held_out = formats::TokenDataset(options_.output, "held_out").num_documents();
  EXPECT_EQ(200, held_out + formats::TokenDataset(options_.output, "train").num_documents());
  EXPECT_NEAR(60, held_out, 25);
}

TEST(ParseChat, ErrorsNameTheField) {
  const std::pair<const char*, const char*> kCases[] = {
      {"{", "f:3"},
      {"[]", "f:3: expected an object"},
      {"{}", "f:3: expected \"messages\", or \"prompt\" and \"completion\": prompt: is missing"},
      {R"({"prompt": "a"})", "f:3: completion: is missing"},
      {R"({"prompt": "a", "completion": 5})", "f:3: completion: expected a string, got 5"},
      {R"({"messages": []})", "f:3: messages: expected a list of messages"},
      {R"({"messages": [1]})", "f:3: messages[0]: expected an object, got 1"},
      {R"({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": null}]})",
       "f:3: messages[1].content: expected a string, got null"},
      {R"({"messages": [{"content": "a"}]})", "f:3: messages[0].role: is missing"},
      {R"({"messages": [{"role": "assistant", "content": "a"}], "tools": 1})", "f:3: tools: expected a list, got 1"},
      {R"({"messages": [{"role": "user", "content": "a"}]})", "f:3: messages: no assistant turn"},
  };
  for (const auto& [line, message] : kCases) {
    const auto parsed = parse_chat(line, "f:3");
    ASSERT_FALSE(parsed.ok()) << line;
    EXPECT_THAT(parsed.error().message, HasSubstr(message));
  }
}

}  // namespace
}  // namespace maru::data
