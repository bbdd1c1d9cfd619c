// Parsing of chat training data, apart from packing because it is a parser of outside bytes.
#include <algorithm>

#include "base/json.h"
#include "data/pack.h"

namespace maru::data {
namespace {

std::string shown(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 60); }

// The string at json[key], or an error that names the field.
Result<std::string> string_field(const Json& json, const char* key, const std::string& where) {
  const auto it = json.find(key);
  if (it == json.end()) return {ErrorCode::kInvalidArgument, where + key + ": is missing"};
  if (!it->is_string()) return {ErrorCode::kInvalidArgument, where + key + ": expected a string, got " + shown(*it)};
  return it->get<std::string>();
}

// Roles and further fields are the template's business. Content may be absent where tools are called instead.
Outcome check_message(const Json& json, const std::string& where) {
  if (!json.is_object()) return {ErrorCode::kInvalidArgument, where + ": expected an object, got " + shown(json)};
  const Result<std::string> role = string_field(json, "role", where + ".");
  if (!role) return role.error();
  const auto content = json.find("content");
  const bool parts = content != json.end() && content->is_array();
  const bool absent = content == json.end() || content->is_null();
  if (parts || (absent && json.contains("tool_calls"))) return Done{};
  const Result<std::string> text = string_field(json, "content", where + ".");
  return text ? Outcome(Done{}) : Outcome(text.error());
}

Outcome check_messages(const Json& json, const std::string& where) {
  if (!json.is_array() || json.empty())
    return {ErrorCode::kInvalidArgument, where + "messages: expected a list of messages, got " + shown(json)};
  for (size_t i = 0; i < json.size(); ++i)
    if (Outcome checked = check_message(json[i], where + "messages[" + std::to_string(i) + "]"); !checked)
      return checked;
  const bool answered = std::any_of(json.begin(), json.end(), [](const Json& m) { return m["role"] == "assistant"; });
  if (!answered) return {ErrorCode::kInvalidArgument, where + "messages: no assistant turn to learn from"};
  return Done{};
}

// A list beside the messages, or null.
Result<Json> list_field(const Json& json, const char* key, const std::string& where) {
  const auto it = json.find(key);
  if (it == json.end() || it->is_null()) return Json();
  if (!it->is_array()) return {ErrorCode::kInvalidArgument, where + key + ": expected a list, got " + shown(*it)};
  return *it;
}

Result<ChatLine> conversation(const Json& json, const std::string& where) {
  if (const Outcome checked = check_messages(json["messages"], where); !checked) return checked.error();
  Result<Json> tools = list_field(json, "tools", where), documents = list_field(json, "documents", where);
  if (!tools) return tools.error();
  if (!documents) return documents.error();
  return ChatLine{json["messages"], std::move(*tools), std::move(*documents)};
}

}  // namespace

Result<ChatLine> parse_chat(std::string_view line, std::string_view where) {
  Result<Json> json = parse_json(line, where);
  if (!json) return json.error();
  const std::string prefix = std::string(where) + ": ";
  if (!json->is_object()) return {ErrorCode::kInvalidArgument, prefix + "expected an object, got " + shown(*json)};
  if (json->contains("messages")) return conversation(*json, prefix);
  Result<std::string> prompt = string_field(*json, "prompt", prefix);
  if (!prompt)
    return {ErrorCode::kInvalidArgument, prefix + "expected \"messages\", or \"prompt\" and \"completion\": " +
                                             prompt.error().message.substr(prefix.size())};
  Result<std::string> completion = string_field(*json, "completion", prefix);
  if (!completion) return completion.error();
  const Json question{{"role", "user"}, {"content", *prompt}}, answer{{"role", "assistant"}, {"content", *completion}};
  return ChatLine{Json::array({question, answer}), {}, {}};
}

}  // namespace maru::data
