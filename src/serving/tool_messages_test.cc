#include "serving/tool_messages.h"

#include <gtest/gtest.h>

#include <set>

namespace maru::serving {
namespace {

Json messages() {
  return parse_json(R"([{"role": "user", "content": "a"},
      {"role": "assistant", "tool_calls": [{"id": "call_00ff", "function": {"name": "f"}},
                                           {"id": "abcdefghi", "function": {"name": "g"}},
                                           {"function": {"name": "h"}}, 5]},
      {"role": "tool", "tool_call_id": "abcdefghi", "content": "1"},
      {"role": "tool", "tool_call_id": "call_00ff", "name": "own", "content": "2"},
      {"role": "tool", "tool_call_id": "other", "content": "3"}, {"role": "tool", "tool_call_id": 7}, "x"])",
                    "messages")
      .value();
}

TEST(ToolMessages, AnswersAreToldTheNameOfTheCall) {
  Json list = messages();
  complete_tool_messages(list, 0);
  EXPECT_EQ("g", list[2]["name"]);
  EXPECT_EQ("own", list[3]["name"]);
  EXPECT_FALSE(list[4].contains("name"));
  list[2].erase("name");
  EXPECT_EQ(messages(), list) << "and nothing else";
}

TEST(ToolMessages, IdsAreBroughtIntoTheFormThatTemplatesWant) {
  Json list = messages();
  complete_tool_messages(list, 9);
  const std::string id = list[1]["tool_calls"][0]["id"];
  EXPECT_EQ(9u, id.size());
  EXPECT_NE("call_00ff", id);
  EXPECT_EQ(id, list[3]["tool_call_id"]) << "the same in call and answer";
  EXPECT_EQ("abcdefghi", list[1]["tool_calls"][1]["id"]) << "fits already";
  EXPECT_EQ(9u, list[4]["tool_call_id"].get<std::string>().size());
}

TEST(ToolMessages, ShortIdsDiffer) {
  std::set<std::string> ids;
  for (uint64_t i = 0; i < 1000; ++i) {
    ids.insert(short_id(i * 0x9e3779b97f4a7c15ull, 9));
    EXPECT_EQ(9u, ids.begin()->size());
  }
  EXPECT_EQ(1000u, ids.size());
}

}  // namespace
}  // namespace maru::serving
