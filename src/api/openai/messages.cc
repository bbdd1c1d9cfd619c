#include "api/openai/messages.h"

#include "base/request_failure.h"

namespace maru::api::openai {
namespace {

constexpr size_t kMaxWarnings = 16;

/// Null counts as absent.
Json* field_of(Json& object, const char* name) {
  const auto it = object.find(name);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

const std::string& text_of(Json& part, const char* name, const std::string& place) {
  const Json* text = field_of(part, name);
  if (text == nullptr || !text->is_string()) refuse(place + "." + name + ": expected a string", place + "." + name);
  return text->get_ref<const std::string&>();
}

/// Text parts put end to end.
std::string joined_parts(Json& parts, const std::string& param) {
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string place = numbered(param, i);
    if (!parts[i].is_object()) refuse(place + ": expected an object", place);
    const Json* type = field_of(parts[i], "type");
    const bool is_refusal = type != nullptr && *type == "refusal";
    if (!is_refusal && (type == nullptr || *type != "text"))
      refuse(place + ".type: this server takes only parts of type \"text\"", place + ".type");
    text += text_of(parts[i], is_refusal ? "refusal" : "text", place);
  }
  return text;
}

class MessageReader {
 public:
  MessageReader(Json& message, std::string place, Messages& to)
      : message_(message), place_(std::move(place)), to_(to) {}

  void read(bool knows_developer) {
    if (!message_.is_object()) refuse(place_ + ": expected an object", place_);
    Json* role = field_of(message_, "role");
    if (role == nullptr || !role->is_string()) refuse(place_ + ".role: expected a string", place_ + ".role");
    if (!knows_developer && *role == "developer") *role = "system";
    if (*role == "function") *role = "tool";
    if (field_of(message_, "audio") != nullptr)
      refuse(place_ + ".audio: this server keeps no audio of earlier answers", place_ + ".audio");
    take_function_call();
    read_tool_calls();
    read_content();
  }

 private:
  /// {"function_call": {…}}, as assistants called functions before there were tools.
  void take_function_call() {
    Json* call = field_of(message_, "function_call");
    if (call == nullptr || field_of(message_, "tool_calls") != nullptr) return;
    if (!call->is_object()) refuse(place_ + ".function_call: expected an object", place_ + ".function_call");
    Json calls = Json::array({Json{{"type", "function"}, {"function", std::move(*call)}}});
    message_.erase("function_call");
    message_["tool_calls"] = std::move(calls);
  }

  void read_tool_calls() {
    Json* calls = field_of(message_, "tool_calls");
    if (calls == nullptr) return;
    const std::string param = place_ + ".tool_calls";
    if (!calls->is_array()) refuse(param + ": expected a list of tool calls", param);
    if (calls->empty()) return void(message_.erase("tool_calls"));
    for (size_t i = 0; i < calls->size(); ++i) read_tool_call((*calls)[i], numbered(param, i));
  }

  void read_tool_call(Json& call, const std::string& place) {
    if (!call.is_object()) refuse(place + ": expected an object", place);
    if (const Json* type = field_of(call, "type"); type != nullptr && *type != "function")
      refuse(place + ".type: this server takes only calls of type \"function\"", place + ".type");
    Json* function = field_of(call, "function");
    if (function == nullptr || !function->is_object())
      refuse(place + ".function: expected an object", place + ".function");
    text_of(*function, "name", place + ".function");
    read_arguments((*function)["arguments"], place + ".function.arguments");
  }

  // Clients send the arguments of a call as JSON text; templates write them as JSON themselves. What a model was cut
  // off in, or got wrong, stays in the conversation: refusing it would refuse every later turn.
  void read_arguments(Json& arguments, const std::string& place) {
    if (arguments.is_null()) arguments = Json::object();
    if (arguments.is_object()) return;
    if (!arguments.is_string()) refuse(place + ": expected JSON text or an object", place);
    const auto& text = arguments.get_ref<const std::string&>();
    const bool blank = text.find_first_not_of(" \t\r\n") == std::string::npos;
    Result<Json> parsed = blank ? Result<Json>(Json::object()) : parse_json(text, place, kRequestJson);
    const bool good = parsed && parsed->is_object();
    if (!good && to_.warnings.size() < kMaxWarnings)
      to_.warnings.push_back(place + ": not the text of a JSON object; the model is shown {}");
    arguments = good ? std::move(*parsed) : Json::object();
  }

  void read_content() {
    const std::string param = place_ + ".content";
    Json* content = field_of(message_, "content");
    if (content == nullptr) {
      if (field_of(message_, "tool_calls") != nullptr) return;
      if (Json* refusal = field_of(message_, "refusal"); refusal != nullptr && refusal->is_string())
        return void(message_["content"] = Json(*refusal));
    } else {
      if (content->is_array()) *content = joined_parts(*content, param);
      if (content->is_string()) return;
    }
    refuse(param + ": expected a string or a list of text parts", param);
  }

  Json& message_;
  const std::string place_;
  Messages& to_;
};

}  // namespace

Messages read_messages(const Json& messages, bool knows_developer) {
  if (!messages.is_array()) refuse("messages: expected a list of messages", "messages");
  Messages read{messages, {}};
  for (size_t i = 0; i < read.list.size(); ++i)
    MessageReader(read.list[i], numbered("messages", i), read).read(knows_developer);
  return read;
}

}  // namespace maru::api::openai
