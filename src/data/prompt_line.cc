// Parsing of prompts that are answered in training, apart from packing because it is a parser of outside bytes.
#include "base/json_node.h"
#include "data/chat_message.h"
#include "data/pack.h"

namespace maru::data {
namespace {

Json read_messages(const JsonNode& prompt) {
  if (!prompt.is_array()) {
    if (prompt.string().empty()) prompt.refuse("is empty: expected a text or a list of messages");
    return Json::array({{{"role", "user"}, {"content", prompt.string()}}});
  }
  if (prompt.size() == 0) prompt.fail("a text or a list of messages");
  for (const JsonNode& message : prompt.elements()) check_message(message);
  const JsonNode role = prompt.at(prompt.size() - 1)["role"];
  if (role.string() == "assistant") role.refuse("the assistant has the last word: expected a turn that it answers");
  return prompt.json();
}

PromptLine read_prompt(const JsonNode& line) {
  const JsonNode prompt = line.object()["prompt"];
  if (prompt.is_missing()) prompt.fail("a text or a list of messages");
  return {read_messages(prompt), list_or_null(line["tools"]), line.json()};
}

}  // namespace

Result<PromptLine> parse_prompt(std::string_view line, std::string_view where) {
  const Result<Json> json = parse_json(line, where, {.unique_keys = true});
  if (!json) return json.error();
  try {
    return read_prompt(JsonNode(json.value(), std::string(where)));
  } catch (const Failure& failure) {
    return failure.error();
  }
}

}  // namespace maru::data
