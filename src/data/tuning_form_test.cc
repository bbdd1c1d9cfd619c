#include "data/tuning_form.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "data/pack.h"

namespace maru::data {
namespace {

using testing::HasSubstr;

class TuningFormTest : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(root_); }
  void TearDown() override { fs::remove_all(root_); }
  std::string file(const std::string& name, const std::string& text) const {
    write_file(root_ / name, text);
    return (root_ / name).string();
  }
  static std::string error_of(const std::vector<std::string>& inputs) {
    try {
      form_of_files(inputs);
      return "none";
    } catch (const Failure& e) {
      return e.what();
    }
  }
  const fs::path root_ = fs::temp_directory_path() / ("maru_tuning_form_" + std::to_string(::getpid()));
};

TEST_F(TuningFormTest, IsToldByTheKeysOfTheFirstLine) {
  const std::pair<const char*, TuningForm> kCases[] = {
      {R"({"messages": []})", TuningForm::kChats},
      {R"({"prompt": "a", "completion": "b"})", TuningForm::kChats},
      {R"({"prompt": "a", "completion": "b", "label": false})", TuningForm::kLabelled},
      {R"({"conversations": [], "system": ""})", TuningForm::kChats},
      {R"({"instruction": "a", "output": "b"})", TuningForm::kChats},
      {R"({"prompt": "a", "answer": "b"})", TuningForm::kPrompts},
      {R"({"prompt": "a", "chosen": "b", "rejected": "c"})", TuningForm::kPreferences},
      {R"({"chosen": [], "rejected": []})", TuningForm::kPreferences},
      {R"({"context": [], "completions": []})", TuningForm::kPreferences},
      {R"({"query": "a", "pos_doc": "b", "neg_doc": []})", TuningForm::kTexts},
      {R"({"anchor": "a", "positive": "b"})", TuningForm::kTexts},
      {R"({"sentence1": "a", "sentence2": "b", "score": 1})", TuningForm::kTexts},
  };
  for (const auto& [line, form] : kCases)
    EXPECT_EQ(form, form_of_files({file("one.jsonl", std::string("\n \r\n") + line + "\nnonsense\n")})) << line;
}

TEST_F(TuningFormTest, RefusesByFileAndLine) {
  const std::string chats = file("a.jsonl", "{\"messages\": []}\n");
  const std::string pairs = file("b.jsonl", "\n{\"chosen\": \"b\", \"rejected\": \"c\"}\n");
  EXPECT_THAT(error_of({chats, pairs}), HasSubstr("b.jsonl:2: is one of pairs of answers, " + chats +
                                                  ":1 of conversations: expected lines of one form"));
  EXPECT_THAT(error_of({file("c.jsonl", "\n\n")}), HasSubstr("c.jsonl: holds no line"));
  EXPECT_THAT(error_of({file("c.jsonl", "{\"question\": 1}\n")}), HasSubstr("c.jsonl:1: has the keys \"question\""));
  EXPECT_THAT(error_of({file("c.jsonl", "{}")}), HasSubstr("has the keys of nothing, expected"));
  EXPECT_THAT(error_of({file("c.jsonl", "[1]")}), HasSubstr("c.jsonl:1: expected an object"));
  EXPECT_THAT(error_of({file("c.jsonl", R"({"messages": [], "prompt": "", "messages": []})")}),
              HasSubstr("c.jsonl:1: key \"messages\" appears twice"));
  EXPECT_THAT(error_of({file("c.jsonl", "{\"text\": \"a\"}")}), HasSubstr("maru data build"));
  EXPECT_THAT(error_of({file("c.jsonl", "\xff\xfe{\0")}), HasSubstr("c.jsonl:1"));
  EXPECT_THAT(error_of({}), HasSubstr("at least one JSONL file"));
  EXPECT_THAT(error_of({(root_ / "none").string()}), HasSubstr("none"));
}

ChatLine chat(const std::string& line) { return parse_chat(line, "f:3").value(); }

TEST(ChatForms, OfShareGptNeMoAndAlpacaAreConversations) {
  EXPECT_EQ(
      R"([{"role":"user","content":"a"},{"role":"assistant","content":"b"}])",
      chat(R"({"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]})").messages.dump());
  EXPECT_EQ(R"([{"role":"system","content":"s"},{"role":"user","content":"a"},{"role":"assistant","content":"b"}])",
            chat(R"({"system": "s", "mask": "User", "conversations": [{"from": "User", "value": "a"},
                {"from": "Assistant", "value": "b"}]})")
                .messages.dump());
  EXPECT_EQ(R"([{"role":"user","content":"a\n\nc"},{"role":"assistant","content":"b"}])",
            chat(R"({"instruction": "a", "input": "c", "output": "b"})").messages.dump());
  EXPECT_EQ(R"([{"role":"user","content":"a"},{"role":"assistant","content":"b"}])",
            chat(R"({"instruction": "a", "input": "", "output": "b"})").messages.dump());
  const ChatLine lists = chat(R"({"prompt": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "x"},
      {"role": "user", "content": "c"}], "completion": [{"role": "assistant", "content": "b"}]})");
  EXPECT_EQ(4u, lists.messages.size());
  EXPECT_EQ(3u, lists.prompt_messages);
}

TEST(ChatForms, AreRefusedByField) {
  const std::pair<const char*, const char*> kCases[] = {
      {R"({"conversations": [{"from": "narrator", "value": "a"}]})",
       "f:3: conversations[0].from: expected human, user"},
      {R"({"conversations": [{"from": "human"}]})", "f:3: conversations[0].value: is missing"},
      {R"({"conversations": [{"from": "human", "value": "a"}]})", "conversations: no assistant turn"},
      {R"({"mask": "Assistant", "conversations": [{"from": "gpt", "value": "a"}]})", "f:3: mask: expected User"},
      {R"({"instruction": "a"})", "f:3: output: is missing"},
      {R"({"prompt": [{"role": "user", "content": "a"}], "completion": [{"role": "user", "content": "a"}]})",
       "f:3: completion: no assistant turn"},
  };
  for (const auto& [line, message] : kCases) {
    const Result<ChatLine> read = parse_chat(line, "f:3");
    ASSERT_FALSE(read.ok()) << line;
    EXPECT_THAT(read.error().message, HasSubstr(message));
  }
}

TEST(PreferenceForms, OfNeMoPreferTheLowerRank) {
  const auto line = [](const char* first, const char* second) {
    return R"({"context": [{"role": "user", "content": "q"}], "completions": [)" + std::string(first) + ", " + second +
           "]}";
  };
  const char* kBad = R"({"rank": 1, "completion": [{"role": "assistant", "content": "bad"}]})";
  const char* kGood = R"({"rank": 0, "completion": [{"role": "assistant", "content": "good"}]})";
  for (const auto& [first, second] : {std::pair{kBad, kGood}, {kGood, kBad}}) {
    const PreferenceLine pair = parse_preference(line(first, second), "f:3").value();
    EXPECT_EQ("good", pair.chosen[1]["content"]);
    EXPECT_EQ("bad", pair.rejected[1]["content"]);
    EXPECT_EQ(1u, pair.prompt_messages);
  }
  EXPECT_THAT(parse_preference(line(kBad, kBad), "f:3").error().message,
              HasSubstr("f:3: completions[1].rank: is that of the other completion"));
  const char* kSame = R"({"rank": 2, "completion": [{"role": "assistant", "content": "good"}]})";
  EXPECT_THAT(parse_preference(line(kGood, kSame), "f:3").error().message, HasSubstr("is the same as chosen"));
  EXPECT_THAT(parse_preference(R"({"context": [], "completions": []})", "f:3").error().message,
              HasSubstr("f:3: completions: expected two completions"));
}

}  // namespace
}  // namespace maru::data
