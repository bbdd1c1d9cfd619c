#include "serving/tool_messages.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "base/hash.h"

namespace maru::serving {
namespace {

bool has_text(const Json& object, const char* key) {
  const auto it = object.is_object() ? object.find(key) : object.end();
  return it != object.end() && it->is_string();
}

bool fits(const std::string& id, size_t size) {
  return id.size() == size &&
         std::all_of(id.begin(), id.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; });
}

void shape_id(Json& id, size_t size) {
  auto& text = id.get_ref<std::string&>();
  if (size > 0 && !fits(text, size)) text = short_id(hash64(text), size);
}

}  // namespace

std::string short_id(uint64_t number, size_t size) {
  constexpr std::string_view kCharacters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  std::string id;
  for (; id.size() < size; number /= kCharacters.size()) id += kCharacters[number % kCharacters.size()];
  return id;
}

void complete_tool_messages(Json& messages, size_t id_characters) {
  std::map<std::string, std::string> names;
  for (Json& message : messages) {
    if (!message.is_object()) continue;
    if (message.contains("tool_calls") && message["tool_calls"].is_array())
      for (Json& call : message["tool_calls"]) {
        if (!has_text(call, "id")) continue;
        if (call.contains("function") && has_text(call["function"], "name"))
          names[call["id"].get<std::string>()] = call["function"]["name"].get<std::string>();
        shape_id(call["id"], id_characters);
      }
    if (!has_text(message, "tool_call_id")) continue;
    const auto name = names.find(message["tool_call_id"].get<std::string>());
    if (name != names.end() && !message.contains("name")) message["name"] = name->second;
    shape_id(message["tool_call_id"], id_characters);
  }
}

}  // namespace maru::serving
