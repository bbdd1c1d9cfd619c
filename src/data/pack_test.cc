#include "data/pack.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>

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
  ChatPackConfig config{{(root_ / "chat.jsonl").string()}, {}, 0};
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
  ChatPackConfig config{{(root_ / "chat.jsonl").string()}, {}, 0.3};
  pack_chats(config, options_, pool_);
  const int64_t held_out = formats::TokenDataset(options_.output, "held_out").num_documents();
  EXPECT_EQ(200, held_out + formats::TokenDataset(options_.output, "train").num_documents());
  EXPECT_NEAR(60, held_out, 25);
}

TEST_F(PackTest, WeightsSayHowOftenAPassShowsALine) {
  const auto lines = [](const std::string& mark) {
    std::string all;
    for (int i = 0; i < 200; ++i) all += fmt::format(R"({{"prompt": "{}{}", "completion": "x"}})", mark, i) + "\n";
    return all;
  };
  write_file(root_ / "a.jsonl", lines("a"));
  write_file(root_ / "b.jsonl", lines("b"));
  ChatPackConfig config{{(root_ / "a.jsonl").string(), (root_ / "b.jsonl").string()}, {2.5, 0.25}, 0.1};
  pack_chats(config, options_, pool_);
  const formats::TokenDataset train(options_.output, "train"), held_out(options_.output, "held_out");
  std::map<std::vector<int32_t>, int64_t> copies;
  std::map<int64_t, int64_t> times[2];  // of a and of b: lines by their copies
  for (int64_t i = 0; i < train.num_documents(); ++i) ++copies[ids_of(train.document(i))];
  const int32_t zero = bytes_as_ids("0")[0], nine = bytes_as_ids("9")[0];
  for (const auto& [ids, count] : copies) {
    const auto first = std::find_if(ids.begin(), ids.end(), [&](int32_t id) { return id >= zero && id <= nine; });
    ++times[*(first - 1) != bytes_as_ids("a")[0]][count];
  }
  EXPECT_EQ(2u, times[0].size()) << "twice or three times";
  EXPECT_NEAR(90, times[0][2], 30);
  EXPECT_NEAR(90, times[0][3], 30);
  EXPECT_NEAR(45, times[1][1], 20);
  EXPECT_EQ(1u, times[1].size());
  EXPECT_NEAR(40, held_out.num_documents(), 20) << "once each";
  config.weights = {1};
  EXPECT_EQ("weights: expected one for each of 2 inputs, got 1",
            message_of([&] { pack_chats(config, options_, pool_); }));
}

TEST_F(PackTest, OfAPromptThatIsAConversationNothingIsLearned) {
  const auto say = [](const char* role, const char* content) { return Json{{"role", role}, {"content", content}}; };
  const Json line{{"prompt", {say("user", "a"), say("assistant", "bc"), say("user", "d")}},
                  {"completion", Json::array({say("assistant", "efg")})}};
  write_file(root_ / "chat.jsonl", line.dump() + "\n");
  pack_chats({{(root_ / "chat.jsonl").string()}, {}, 0}, options_, pool_);
  const formats::TokenDataset train(options_.output, "train");
  const formats::TokenDocument document = train.document(0);
  EXPECT_EQ(3u, document.source_bytes);
  int64_t learned = 0;
  for (int64_t i = 0; i < document.tokens.size(); ++i) learned += document.mask[i];
  EXPECT_EQ(4, learned) << "efg and the end of the turn";
}

TEST(ParseChat, ErrorsNameTheField) {
  const std::pair<const char*, const char*> kCases[] = {
      {"{", "f:3"},
      {"[]", "f:3: expected an object"},
      {"{}", "f:3: expected \"messages\", or \"prompt\" and \"completion\": prompt: is missing"},
      {R"({"prompt": "a"})", "f:3: completion: is missing"},
      {R"({"messages": [], "messages": [{"role": "assistant", "content": "a"}]})",
       "f:3: key \"messages\" appears twice"},
      {R"({"messages": [{"role": "assistant", "content": "a", "content": "b"}]})",
       "f:3: key \"content\" appears twice"},
      {R"({"prompt": "a", "completion": 5})", "f:3: completion: expected a string, got 5"},
      {R"({"messages": []})", "f:3: messages: expected a list of messages"},
      {R"({"messages": [1]})", "f:3: messages[0]: expected an object, got 1"},
      {R"({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": null}]})",
       "f:3: messages[1].content: expected a string, got null"},
      {R"({"messages": [{"content": "a"}]})", "f:3: messages[0].role: is missing"},
      {R"({"messages": [{"role": "assistant", "content": "a"}], "tools": 1})", "f:3: tools: expected a list, got 1"},
      {R"({"messages": [{"role": "user", "content": "a"}]})", "f:3: messages: no assistant turn"},
      {R"({"prompt": "a", "completion": ""})", "f:3: completion: is empty: expected an answer"},
      {R"({"prompt": "a", "completion": " \n"})", "f:3: completion: is empty: expected an answer"},
      {R"({"prompt": [], "completion": [{"role": "assistant", "content": ""}]})", "completion[0].content: is empty"},
      {R"({"messages": [{"role": "assistant", "content": "a"}, {"role": "assistant", "content": "\t"}]})",
       "f:3: messages[1].content: is empty: expected an answer"},
      {R"({"messages": [{"role": "assistant", "content": []}]})", "f:3: messages[0].content: is empty"},
      {R"({"instruction": "a", "output": ""})", "f:3: output: is empty: expected an answer"},
      {R"({"conversations": [{"from": "gpt", "value": ""}]})", "f:3: conversations[0].value: is empty"},
  };
  for (const auto& [line, message] : kCases) {
    const auto parsed = parse_chat(line, "f:3");
    ASSERT_FALSE(parsed.ok()) << line;
    EXPECT_THAT(parsed.error().message, HasSubstr(message));
  }
}

}  // namespace
}  // namespace maru::data
