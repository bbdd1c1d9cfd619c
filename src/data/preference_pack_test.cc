// Pairs of answers: their lines, what is wrong with them, and what is packed of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "data/pack.h"
#include "data/test_byte_tokenizer.h"
#include "formats/token_dataset.h"
#include "ledger/artefact_writer.h"
#include "ledger/verify.h"

namespace maru::data {
namespace {

using testing::HasSubstr;

Json user(const std::string& content) { return {{"role", "user"}, {"content", content}}; }
Json assistant(const std::string& content) { return {{"role", "assistant"}, {"content", content}}; }

Json function(const char* with) {
  const Json inner{{"name", "f"}, {with, Json::object()}};
  return {{"type", "function"}, {"function", inner}};
}

class PreferencePackTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(root_ / "tokenizer");
    write_file(root_ / "tokenizer/tokenizer.json", byte_tokenizer());
    write_json(root_ / "tokenizer/tokenizer_config.json",
               {{"bos_token", "<|begin_of_text|>"}, {"eos_token", "<|end_of_text|>"}});
    options_ = {root_ / "tokenizer", root_ / "d/tokens-t", root_};
  }
  void TearDown() override { fs::remove_all(root_); }

  PackResult pack(const std::vector<Json>& lines, double held_out = 0) {
    std::string text;
    for (const Json& line : lines) text += line.dump() + "\n";
    write_file(root_ / "pairs.jsonl", text);
    return pack_preferences({{(root_ / "pairs.jsonl").string()}, {}, held_out}, options_, pool_);
  }
  std::string error_of(const std::vector<Json>& lines) {
    try {
      pack(lines);
      return "none";
    } catch (const Failure& e) {
      return e.what();
    }
  }
  const fs::path root_ = fs::temp_directory_path() / ("maru_preference_pack_" + std::to_string(::getpid()));
  PackOptions options_;
  ThreadPool pool_{2};
};

// A document's bytes; what is not learned as it is, what is learned in brackets, special tokens as their numbers.
std::string shown(const formats::TokenDocument& document) {
  std::string text;
  bool inside = false;
  for (int64_t i = 0; i < document.tokens.size(); ++i) {
    if (document.mask[i] != inside) text += inside ? "]" : "[";
    inside = document.mask[i];
    const int32_t id = document.tokens[i];
    text += id < 4 ? "<" + std::to_string(id) + ">" : std::string(1, static_cast<char>(id - 4));
  }
  return text + (inside ? "]" : "");
}

TEST_F(PreferencePackTest, TwoDocumentsOfEachLine) {
  const PackResult result = pack({{{"prompt", "ab"}, {"chosen", "yes"}, {"rejected", "no"}},
                                  {{"prompt", "안녕"}, {"chosen", "네"}, {"rejected", "아니"}}});
  EXPECT_EQ(4, result.documents);
  const formats::TokenDataset train(options_.output, "train");
  ASSERT_EQ(4, train.num_documents());
  EXPECT_EQ("<0><2>user\nab<3>\n<2>assistant\n[yes<3>]\n", shown(train.document(0)));
  EXPECT_EQ("<0><2>user\nab<3>\n<2>assistant\n[no<3>]\n", shown(train.document(1)));
  EXPECT_EQ("<0><2>user\n안녕<3>\n<2>assistant\n[아니<3>]\n", shown(train.document(3)));
  EXPECT_EQ(3u, train.document(0).source_bytes);
  EXPECT_EQ(6u, train.document(3).source_bytes);
  EXPECT_EQ(2, ledger::read_manifest(options_.output).notes["pairs"].get<int64_t>());
  EXPECT_TRUE(ledger::verify(options_.output).ok());
}

TEST_F(PreferencePackTest, TheAnswerAloneIsLearntOfAConversation) {
  const Json turns = Json::array({user("a"), assistant("b"), user("c")});
  Json chosen = turns, rejected = turns;
  chosen.push_back(assistant("d"));
  rejected.push_back(assistant("e"));
  const Json answer = Json::array({assistant("d")}), other = Json::array({assistant("e")});
  const std::string before = "<0><2>user\na<3>\n<2>assistant\nb<3>\n<2>user\nc<3>\n<2>assistant\n";
  const std::vector<Json> forms{{{"chosen", chosen}, {"rejected", rejected}},
                                {{"prompt", nullptr}, {"chosen", chosen}, {"rejected", rejected}},
                                {{"prompt", "c"}, {"chosen", chosen}, {"rejected", rejected}},
                                {{"prompt", turns}, {"chosen", answer}, {"rejected", other}}};
  for (const Json& form : forms) {
    options_.force = true;
    pack({form});
    const formats::TokenDataset train(options_.output, "train");
    EXPECT_EQ(before + "[d<3>]\n", shown(train.document(0))) << form;
    EXPECT_EQ(before + "[e<3>]\n", shown(train.document(1))) << form;
    EXPECT_EQ(1u, train.document(0).source_bytes);
  }
}

TEST_F(PreferencePackTest, ToolsAndTheirCallsBelongToTheAnswer) {
  const Json call{{"role", "assistant"}, {"content", nullptr}, {"tool_calls", Json::array({function("arguments")})}};
  const Json tool{{"role", "tool"}, {"content", "7"}};
  const Json tools = Json::array({function("parameters")});
  pack({{{"prompt", Json::array({user("a")})},
         {"chosen", Json::array({call, tool, assistant("b")})},
         {"rejected", Json::array({assistant("c")})},
         {"tools", tools}}});
  const formats::TokenDataset train(options_.output, "train");
  const std::string chosen = shown(train.document(0)), rejected = shown(train.document(1));
  EXPECT_THAT(chosen, HasSubstr("<2>assistant\n[<tool_call>"));
  EXPECT_THAT(chosen, HasSubstr("<2>assistant\n[b<3>]\n"));
  EXPECT_THAT(chosen, HasSubstr("7"));
  EXPECT_THAT(rejected, HasSubstr("\"name\": \"f\"")) << "both know the tools";
  EXPECT_THAT(rejected, HasSubstr("<2>assistant\n[c<3>]\n"));
}

TEST_F(PreferencePackTest, PairsAreSplitWhole) {
  std::vector<Json> lines;
  for (int i = 0; i < 200; ++i) lines.push_back({{"prompt", std::to_string(i)}, {"chosen", "yes"}, {"rejected", "no"}});
  EXPECT_EQ(400, pack(lines, 0.3).documents);
  const formats::TokenDataset train(options_.output, "train"), held_out(options_.output, "held_out");
  EXPECT_EQ(400, train.num_documents() + held_out.num_documents());
  EXPECT_NEAR(120, held_out.num_documents(), 50);
  for (const formats::TokenDataset* split : {&train, &held_out})
    for (int64_t d = 0; d < split->num_documents(); d += 2) {
      const std::string chosen = shown(split->document(d)), rejected = shown(split->document(d + 1));
      EXPECT_EQ(chosen.substr(0, chosen.find('[')), rejected.substr(0, rejected.find('[')));
      EXPECT_THAT(chosen, HasSubstr("[yes"));
      EXPECT_THAT(rejected, HasSubstr("[no"));
    }
}

TEST_F(PreferencePackTest, SameBytesForAnyNumberOfThreads) {
  std::vector<Json> lines;
  for (int i = 0; i < 1500; ++i)
    lines.push_back({{"prompt", std::to_string(i * 7919)}, {"chosen", "yes"}, {"rejected", "no"}});
  pack(lines);
  const std::string manifest = read_file(options_.output / "manifest.json");
  EXPECT_TRUE(pack(lines).skipped);
  options_.force = true;
  ThreadPool one(1);
  pack_preferences({{(root_ / "pairs.jsonl").string()}, {}, 0}, options_, one);
  EXPECT_EQ(manifest, read_file(options_.output / "manifest.json"));
}

TEST_F(PreferencePackTest, ErrorsNameFileLineAndField) {
  const Json good{{"prompt", "a"}, {"chosen", "b"}, {"rejected", "c"}};
  EXPECT_THAT(error_of({good, {{"prompt", "a"}, {"chosen", "b"}}}),
              HasSubstr("pairs.jsonl:2: rejected: is missing, expected a string"));
  EXPECT_FALSE(fs::exists(options_.output));
  // What the template makes the same.
  write_file(root_ / "tokenizer/chat_template.jinja",
             "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content | trim }}<|im_end|>\n{% endfor %}");
  EXPECT_THAT(error_of({{{"prompt", "a"}, {"chosen", "b"}, {"rejected", "b "}}}),
              HasSubstr("pairs.jsonl:1: rejected: is the same as chosen once it is in the chat template"));
}

TEST_F(PreferencePackTest, AnswersWithLabelsAreOneDocumentEach) {
  const Json turns = Json::array({user("a"), assistant("b"), user("c")});
  const PackResult result =
      pack({{{"prompt", "ab"}, {"completion", "yes"}, {"label", true}},
            {{"prompt", turns}, {"completion", Json::array({assistant("no")})}, {"label", false}}});
  EXPECT_EQ(2, result.documents);
  const formats::TokenDataset train(options_.output, "train");
  ASSERT_TRUE(train.has_values());
  EXPECT_EQ("<0><2>user\nab<3>\n<2>assistant\n[yes<3>]\n", shown(train.document(0)));
  EXPECT_EQ("<0><2>user\na<3>\n<2>assistant\nb<3>\n<2>user\nc<3>\n<2>assistant\n[no<3>]\n", shown(train.document(1)));
  EXPECT_EQ(1, train.document(0).value);
  EXPECT_EQ(0, train.document(1).value);
  const Json notes = ledger::read_manifest(options_.output).notes;
  EXPECT_EQ(2, notes["labelled"].get<int64_t>());
  EXPECT_FALSE(notes.contains("pairs"));
}

TEST_F(PreferencePackTest, MarginsStandWithBothAnswers) {
  pack({{{"prompt", "a"}, {"chosen", "yes"}, {"rejected", "no"}, {"margin", 1.5}},
        {{"prompt", "b"}, {"chosen", "yes"}, {"rejected", "no"}, {"margin", -2}}});
  const formats::TokenDataset train(options_.output, "train");
  for (int64_t d = 0; d < 4; ++d) EXPECT_EQ(d < 2 ? 1.5 : -2, train.document(d).value);
  EXPECT_EQ(2, ledger::read_manifest(options_.output).notes["pairs"].get<int64_t>());
  options_.force = true;
  pack({{{"prompt", "a"}, {"chosen", "yes"}, {"rejected", "no"}}});
  EXPECT_FALSE(formats::TokenDataset(options_.output, "train").has_values());
}

TEST_F(PreferencePackTest, AllLinesHaveTheFormOfTheFirst) {
  const Json pair{{"prompt", "a"}, {"chosen", "b"}, {"rejected", "c"}};
  const Json labelled{{"prompt", "a"}, {"completion", "b"}, {"label", true}};
  Json margin = pair;
  margin["margin"] = 1;
  EXPECT_THAT(error_of({pair, pair, labelled}),
              testing::AllOf(HasSubstr("pairs.jsonl:3: is one answer with a label, "),
                             HasSubstr("pairs.jsonl:1 is a pair of answers without a margin: expected one form")));
  EXPECT_THAT(error_of({labelled, pair}), HasSubstr("pairs.jsonl:2: is a pair of answers without a margin"));
  EXPECT_THAT(error_of({pair, margin}), HasSubstr("pairs.jsonl:2: is a pair of answers with a margin"));
  EXPECT_THAT(error_of({margin, pair}), HasSubstr("pairs.jsonl:2: is a pair of answers without a margin"));
  write_file(root_ / "other.jsonl", labelled.dump());
  write_file(root_ / "pairs.jsonl", "\n" + pair.dump() + "\n");
  try {
    pack_preferences({.inputs = {(root_ / "pairs.jsonl").string(), (root_ / "other.jsonl").string()}, .held_out = 0},
                     options_, pool_);
    ADD_FAILURE();
  } catch (const Failure& e) {
    EXPECT_THAT(e.what(), HasSubstr("other.jsonl:1: is one answer with a label"));
    EXPECT_THAT(e.what(), HasSubstr("pairs.jsonl:2 is a pair"));
  }
}

TEST(ParsePreference, ErrorsNameTheField) {
  const auto line = [](const Json& chosen, const Json& rejected, const Json& prompt = nullptr) {
    Json json{{"chosen", chosen}, {"rejected", rejected}};
    if (!prompt.is_null()) json["prompt"] = prompt;
    return json.dump();
  };
  const auto lists = [&](const std::vector<Json>& chosen, const std::vector<Json>& rejected,
                         const Json& prompt = nullptr) { return line(Json(chosen), Json(rejected), prompt); };
  const Json said_nothing = Json::array(), tool{{"role", "tool"}, {"content", "7"}}, nobody{{"content", "y"}};
  const Json ask = user("q"), yes = assistant("y"), no = assistant("n");
  const std::pair<std::string, const char*> kCases[] = {
      {"{", "f:3"},
      {"[]", "f:3: expected an object"},
      {"{}", "f:3: prompt: is missing"},
      {R"({"prompt": "q", "chosen": "y", "rejected": "n", "chosen": "z"})", "f:3: key \"chosen\" appears twice"},
      {line("y", "n"), "f:3: prompt: is missing, expected a string"},
      {line("y", 5, "q"), "f:3: rejected: expected a string, got 5"},
      {line("y", "", "q"), "f:3: rejected: is empty: expected an answer"},
      {line("y", "y", "q"), "f:3: rejected: is the same as chosen"},
      {line("y", Json::array({ask, no}), "q"), "f:3: chosen: expected a list"},
      {line(said_nothing, Json::array({ask, no})), "f:3: chosen: expected a list of messages, got []"},
      {lists({ask, yes}, {user("other"), no}), "f:3: chosen: shares no message with rejected"},
      {lists({ask, yes}, {ask, no}, "other"), "f:3: prompt: differs from the last user turn that chosen and rejected"},
      {lists({ask, yes}, {ask, user("n")}), "f:3: rejected[1].role: expected assistant at the beginning of the answer"},
      {lists({ask, yes, user("more")}, {ask, no}),
       "f:3: chosen[2].role: expected assistant or tool in the answer to the prompt, got \"user\""},
      {lists({yes, tool}, {no}, Json::array({ask})),
       "f:3: chosen[1].role: expected assistant at the end, got \"tool\""},
      {lists({assistant("")}, {no}, Json::array({ask})), "f:3: chosen[0].content: is empty: expected an answer"},
      {lists({ask, yes}, {ask, yes}), "f:3: rejected: is the same as chosen"},
      {lists({yes}, {no}, said_nothing), "f:3: prompt: expected a list of messages, got []"},
      {lists({yes}, {no}, Json::array({ask, assistant("I say")})), "f:3: chosen: goes on with the assistant's turn"},
      {lists({nobody}, {no}, Json::array({ask})), "f:3: chosen[0].role: is missing"},
      {R"({"prompt": "q", "chosen": "y", "rejected": "n", "tools": 1})", "f:3: tools: expected a list, got 1"},
      {R"({"prompt": "q", "chosen": "y", "rejected": "n", "margin": "1"})", "f:3: margin: expected a number"},
      {R"({"prompt": "q", "chosen": "y", "rejected": "n", "margin": 1e9})", "f:3: margin: expected"},
      {R"({"prompt": "q", "completion": "y"})", "f:3: label: is missing"},
      {R"({"prompt": "q", "completion": "y", "label": 1})", "f:3: label: expected true or false, got 1"},
      {R"({"prompt": "q", "completion": "", "label": true})", "f:3: completion: is empty: expected an answer"},
      {R"({"completion": "y", "label": true})", "f:3: prompt: is missing"},
      {R"({"prompt": "q", "label": true})", "f:3: completion: is missing"},
      {R"({"prompt": "q", "completion": "y", "chosen": "z", "label": true})", "f:3: chosen: stands beside a label"},
      {R"({"prompt": "q", "completion": [{"role": "assistant", "content": "y"}], "label": true})",
       "f:3: prompt: expected a list"},
      {R"({"prompt": [{"role": "user", "content": "q"}], "completion": [{"role": "user", "content": "y"}], "label": true})",
       "f:3: completion[0].role: expected assistant at the beginning of the answer"},
      {R"({"prompt": [{"role": "assistant", "content": "q"}], "completion": [{"role": "assistant", "content": "y"}],
         "label": true})",
       "f:3: completion: goes on with the assistant's turn"},
  };
  for (const auto& [text, message] : kCases) {
    const auto parsed = parse_preference(text, "f:3");
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_THAT(parsed.error().message, HasSubstr(message)) << text;
  }
}

}  // namespace
}  // namespace maru::data
