// Parsing of chat training data, apart from packing because it is a parser of outside bytes.
#include <algorithm>
#include <array>

#include "base/json.h"
#include "data/pack.h"

namespace maru::data {
namespace {

using text::ChatMessage;

constexpr std::array<std::string_view, 4> kRoles = {"system", "user", "assistant", "tool"};

std::string shown(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 60); }

// The string at json[key], or an error that names the field.
Result<std::string> string_field(const Json& json, const char* key, const std::string& where) {
  const auto it = json.find(key);
  if (it == json.end()) return {ErrorCode::kInvalidArgument, where + key + ": is missing"};
  if (!it->is_string()) return {ErrorCode::kInvalidArgument, where + key + ": expected a string, got " + shown(*it)};
  return it->get<std::string>();
}

Result<ChatMessage> parse_message(const Json& json, const std::string& where) {
  if (!json.is_object()) return {ErrorCode::kInvalidArgument, where + ": expected an object, got " + shown(json)};
  Result<std::string> role = string_field(json, "role", where + "."),
                      content = string_field(json, "content", where + ".");
  if (!role) return role.error();
  if (!content) return content.error();
  if (std::find(kRoles.begin(), kRoles.end(), *role) == kRoles.end())
    return {ErrorCode::kInvalidArgument,
            where + ".role: expected system, user, assistant or tool, got \"" + role->substr(0, 60) + "\""};
  return ChatMessage{std::move(*role), std::move(*content)};
}

Result<std::vector<ChatMessage>> parse_messages(const Json& json, const std::string& where) {
  if (!json.is_array() || json.empty())
    return {ErrorCode::kInvalidArgument, where + "messages: expected a list of messages, got " + shown(json)};
  std::vector<ChatMessage> messages;
  for (size_t i = 0; i < json.size(); ++i) {
    Result<ChatMessage> message = parse_message(json[i], where + "messages[" + std::to_string(i) + "]");
    if (!message) return message.error();
    messages.push_back(std::move(*message));
  }
  const bool answered =
      std::any_of(messages.begin(), messages.end(), [](const ChatMessage& m) { return m.role == "assistant"; });
  if (!answered) return {ErrorCode::kInvalidArgument, where + "messages: no assistant turn to learn from"};
  return messages;
}

}  // namespace

Result<std::vector<ChatMessage>> parse_chat(std::string_view line, std::string_view where) {
  Result<Json> json = parse_json(line, where);
  if (!json) return json.error();
  const std::string prefix = std::string(where) + ": ";
  if (!json->is_object()) return {ErrorCode::kInvalidArgument, prefix + "expected an object, got " + shown(*json)};
  if (const auto messages = json->find("messages"); messages != json->end()) return parse_messages(*messages, prefix);
  Result<std::string> prompt = string_field(*json, "prompt", prefix);
  if (!prompt)
    return {ErrorCode::kInvalidArgument, prefix + "expected \"messages\", or \"prompt\" and \"completion\": " +
                                             prompt.error().message.substr(prefix.size())};
  Result<std::string> completion = string_field(*json, "completion", prefix);
  if (!completion) return completion.error();
  return std::vector<ChatMessage>{{"user", std::move(*prompt)}, {"assistant", std::move(*completion)}};
}

}  // namespace maru::data
