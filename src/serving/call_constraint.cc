#include "serving/call_constraint.h"

#include <algorithm>
#include <utility>

#include "base/json_node.h"
#include "base/request_failure.h"
#include "text/grammar/compile.h"

namespace maru::serving {
namespace {

using Kind = ToolChoice::Kind;

const Json& any_object() {
  static const Json kAnyObject{{"type", "object"}};
  return kAnyObject;
}

bool is_strict(const Json& tool) { return tool["function"].value("strict", false); }

/// What a tool's arguments must be: its schema, if a call must be one.
const Json& schema_of(const Json& tool, bool held) {
  const Json& function = tool["function"];
  return held && function.contains("parameters") && !function["parameters"].is_null() ? function["parameters"]
                                                                                      : any_object();
}

/// A name as it stands inside of quotes.
std::string quoted(const std::string& name) {
  const std::string text = Json(name).dump();
  return text.substr(1, text.size() - 2);
}

}  // namespace

infer::AnswerConstraint constraint_of(std::shared_ptr<const text::Grammar> grammar, const ChatModel& model,
                                      const text::AnswerReading& reading) {
  infer::AnswerConstraint constraint{.grammar = std::move(grammar)};
  if (const text::ReasoningForm* form = model.forms.reasoning) {
    constraint.reasoning_begin = form->begin;
    constraint.reasoning_end = form->end;
    constraint.in_reasoning = reading.in_reasoning;
  }
  return constraint;
}

std::optional<infer::AnswerConstraint> call_constraint(const Conversation& conversation, const ChatModel& model,
                                                       const text::AnswerReading& reading) {
  const ToolChoice& choice = conversation.tool_choice;
  const Json& tools = conversation.tools;
  if (choice.kind == Kind::kNone || !tools.is_array() || tools.empty()) return std::nullopt;
  const bool must = choice.kind == Kind::kRequired || choice.kind == Kind::kNamed;
  const bool strict = std::any_of(tools.begin(), tools.end(), is_strict);
  const text::CallForm* form = model.forms.calls;
  const bool holdable = form != nullptr && !form->open.empty();
  if (!must && !strict && !(conversation.schema && holdable)) return std::nullopt;
  if (!holdable)
    refuse(must ? "tool_choice: this server cannot make this model call a tool; how it writes calls is not known, or "
                  "cannot be held to a schema"
                : "tools: \"strict\" cannot be kept with this model, whose calls cannot be held to a schema",
           must ? "tool_choice" : "tools", "unsupported_parameter");
  text::StructuralTag structure{.triggers = {std::string(form->open)},
                                .at_least_one = must || conversation.schema,
                                .only_tags = must || conversation.schema,
                                .stop_after_first = conversation.one_call || form->ends.empty(),
                                .otherwise = must ? std::nullopt : conversation.schema};
  for (size_t i = 0; i < tools.size(); ++i) {
    const std::string name = tools[i]["function"]["name"].get<std::string>();
    if (choice.kind == Kind::kNamed && name != choice.name) continue;
    structure.tags.push_back({.begin = std::string(form->open) + quoted(name) + std::string(form->middle),
                              .schema = JsonNode::of_request(schema_of(tools[i], must || is_strict(tools[i])),
                                                             numbered("tools", i) + ".function.parameters"),
                              .end = std::string(form->close)});
  }
  return constraint_of(text::compile_structural_tag(structure, "tools"), model, reading);
}

}  // namespace maru::serving
