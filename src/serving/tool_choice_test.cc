#include "serving/tool_choice.h"

#include <gtest/gtest.h>

#include "base/request_failure.h"

namespace maru::serving {
namespace {

using Kind = ToolChoice::Kind;

std::string refusal(const ToolChoice& choice, const Json& tools) {
  try {
    check_tool_choice(choice, tools);
  } catch (const RequestFailure& failure) {
    EXPECT_EQ("tool_choice", failure.field());
    return failure.what();
  }
  return "";
}

TEST(ToolChoice, ACallNeedsATool) {
  const Json none, tools = Json::array({{{"type", "function"}, {"function", {{"name", "f"}}}}});
  for (const Json* list : {&none, &tools}) {
    EXPECT_EQ("", refusal({}, *list));
    EXPECT_EQ("", refusal({.kind = Kind::kNone, .name = ""}, *list));
  }
  EXPECT_NE(std::string::npos, refusal({.kind = Kind::kRequired, .name = ""}, none).find("only allowed when"));
  EXPECT_NE(std::string::npos, refusal({.kind = Kind::kNamed, .name = "g"}, tools).find("no tool is called \"g\""));
  EXPECT_EQ("", refusal({.kind = Kind::kNamed, .name = "f"}, tools));
  EXPECT_EQ("", refusal({.kind = Kind::kRequired, .name = ""}, tools));
}

}  // namespace
}  // namespace maru::serving
