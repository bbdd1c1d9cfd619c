#include "tune/rewards/tool_call.h"

#include <memory>
#include <string>
#include <vector>

#include "text/chat/answer/answer_parser.h"

namespace maru::tune {

double tool_call_reward(std::string_view answer, const text::AnswerForms& forms, const Json& tools) {
  const auto known = std::make_shared<const text::ToolSet>(tools.is_null() ? Json::array() : tools);
  text::AnswerParser parser({.forms = forms, .tools = known}, [] { return std::string("call"); });
  std::vector<text::AnswerEvent> events;
  parser.push(answer, events);
  parser.finish(events);
  std::vector<std::string> arguments;
  for (const text::AnswerEvent& event : events) {
    if (event.kind == text::AnswerEvent::Kind::kCallBegin) {
      if (!tools.is_null() && !known->contains(event.text)) return 0;
      arguments.emplace_back();
    }
    if (event.kind == text::AnswerEvent::Kind::kArguments) arguments.back() += event.text;
  }
  for (const std::string& text : arguments) {
    const Result<Json> object = parse_json(text, "arguments");
    if (!object.ok() || !object.value().is_object()) return 0;
  }
  return arguments.empty() ? 0 : 1;
}

}  // namespace maru::tune
