// Parsing of chat training data, apart from packing because it is a parser of outside bytes.
#include <algorithm>

#include "base/json_node.h"
#include "data/chat_message.h"
#include "data/pack.h"

namespace maru::data {
namespace {

void check_messages(const JsonNode& messages) {
  if (!messages.is_array() || messages.size() == 0) messages.fail("a list of messages");
  const std::vector<JsonNode> all = messages.elements();
  std::for_each(all.begin(), all.end(), check_message);
  const bool answered = std::any_of(all.begin(), all.end(), [](auto& m) { return m["role"].string() == "assistant"; });
  if (!answered) messages.refuse("no assistant turn to learn from");
}

ChatLine read_chat(const JsonNode& line) {
  if (const JsonNode messages = line.object()["messages"]; !messages.is_missing()) {
    check_messages(messages);
    return {messages.json(), list_or_null(line["tools"]), list_or_null(line["documents"])};
  }
  if (line["prompt"].is_missing())
    line.refuse("expected \"messages\", or \"prompt\" and \"completion\": prompt: is missing");
  const Json question{{"role", "user"}, {"content", line["prompt"].string()}};
  const Json answer{{"role", "assistant"}, {"content", line["completion"].string()}};
  return {Json::array({question, answer}), {}, {}};
}

}  // namespace

void check_message(const JsonNode& message) {
  message.object()["role"].string();
  const JsonNode content = message["content"];
  const bool calls = content.is_null() && !message["tool_calls"].is_missing();  // in the place of words
  if (!content.is_array() && !calls) content.string();
}

Json list_or_null(const JsonNode& node) {
  if (!node.is_null()) node.size();
  return node.json();
}

Result<ChatLine> parse_chat(std::string_view line, std::string_view where) {
  const Result<Json> json = parse_json(line, where);
  if (!json) return json.error();
  try {
    return read_chat(JsonNode(json.value(), std::string(where)));
  } catch (const Failure& failure) {
    return failure.error();
  }
}

}  // namespace maru::data
