#include "api/openai/messages.h"

#include "base/json_node.h"
#include "base/request_failure.h"

namespace maru::api::openai {
namespace {

constexpr size_t kMaxWarnings = 16;

/// Text parts put end to end.
std::string joined_parts(const JsonNode& parts) {
  std::string text;
  for (const JsonNode& part : parts.elements()) {
    const JsonNode type = part.object()["type"];
    const bool is_refusal = type.json() == "refusal";
    if (!is_refusal && type.json() != "text") type.refuse("this server takes only parts of type \"text\"");
    text += part[is_refusal ? "refusal" : "text"].string();
  }
  return text;
}

class MessageReader {
 public:
  MessageReader(Json& message, std::string place, Messages& to)
      : message_(message), node_(JsonNode::of_request(message, std::move(place))), to_(to) {}

  void read(bool knows_developer) {
    node_.object()["role"].string();
    Json& role = message_["role"];
    if (!knows_developer && role == "developer") role = "system";
    if (role == "function") role = "tool";
    if (const JsonNode audio = node_["audio"]; !audio.is_null())
      audio.refuse("this server keeps no audio of earlier answers");
    take_function_call();
    read_tool_calls();
    read_content();
  }

 private:
  /// {"function_call": {…}}, as assistants called functions before there were tools.
  void take_function_call() {
    const JsonNode call = node_["function_call"];
    if (call.is_null() || !node_["tool_calls"].is_null()) return;
    Json calls = Json::array({Json{{"type", "function"}, {"function", call.object().json()}}});
    message_.erase("function_call");
    message_["tool_calls"] = std::move(calls);
  }

  void read_tool_calls() {
    const JsonNode calls = node_["tool_calls"];
    if (calls.is_null()) return;
    if (!calls.is_array()) calls.fail("a list of tool calls");
    if (calls.size() == 0) return void(message_.erase("tool_calls"));
    for (size_t i = 0; i < calls.size(); ++i) read_tool_call(message_["tool_calls"][i], calls.at(i));
  }

  void read_tool_call(Json& call, const JsonNode& node) {
    const JsonNode type = node.object()["type"], function = node["function"];
    if (!type.is_null() && type.json() != "function") type.refuse("this server takes only calls of type \"function\"");
    function.object()["name"].string();
    read_arguments(call["function"]["arguments"], function["arguments"].where());
  }

  // Clients send the arguments of a call as JSON text; templates write them as JSON themselves. What a model was cut
  // off in, or got wrong, stays in the conversation: refusing it would refuse every later turn.
  void read_arguments(Json& arguments, const std::string& place) {
    if (arguments.is_null()) arguments = Json::object();
    if (arguments.is_object()) return;
    if (!arguments.is_string()) JsonNode::of_request(arguments, place).fail("JSON text or an object");
    const auto& text = arguments.get_ref<const std::string&>();
    const bool blank = text.find_first_not_of(" \t\r\n") == std::string::npos;
    Result<Json> parsed = blank ? Result<Json>(Json::object()) : parse_json(text, place, kRequestJson);
    const bool good = parsed && parsed->is_object();
    if (!good && to_.warnings.size() < kMaxWarnings)
      to_.warnings.push_back(place + ": not the text of a JSON object; the model is shown {}");
    arguments = good ? std::move(*parsed) : Json::object();
  }

  void read_content() {
    const JsonNode content = node_["content"], refusal = node_["refusal"];
    if (content.is_null() && !node_["tool_calls"].is_null()) return;
    if (content.is_null() && refusal.is_string())
      message_["content"] = Json(refusal.string());
    else if (content.is_array())
      message_["content"] = joined_parts(content);
    else if (!content.is_string())
      content.fail("a string or a list of text parts");
  }

  Json& message_;
  const JsonNode node_;  // the same, for reading
  Messages& to_;
};

}  // namespace

Messages read_messages(const Json& messages, bool knows_developer) {
  if (!messages.is_array()) JsonNode::of_request(messages, "messages").fail("a list of messages");
  Messages read{messages, {}};
  for (size_t i = 0; i < read.list.size(); ++i)
    MessageReader(read.list[i], numbered("messages", i), read).read(knows_developer);
  return read;
}

}  // namespace maru::api::openai
