#include "api/openai/responses/items.h"

#include <algorithm>
#include <utility>

#include "base/json_node.h"
#include "base/request_failure.h"

namespace maru::api::openai {
namespace {

/// A text, or a list of parts of these types, as a list of them.
Json read_parts(const JsonNode& content, const char* type_of_text, const std::vector<std::string_view>& types) {
  const auto part_of = [](const std::string& type, const std::string& text) {
    Json part{{"type", type}, {type == "refusal" ? "refusal" : "text", text}};
    if (type == "output_text") part["annotations"] = Json::array();
    return part;
  };
  if (content.is_string()) return Json::array({part_of(type_of_text, content.string())});
  if (!content.is_array()) content.fail("a string or a list of parts");
  Json parts = Json::array();
  for (const JsonNode& part : content.elements()) {
    const JsonNode type = part.object()["type"];
    if (std::find(types.begin(), types.end(), type.string()) == types.end())
      type.refuse("this server takes only parts of text here, not \"" + type.string() + "\"");
    parts.push_back(part_of(type.string(), part[type.string() == "refusal" ? "refusal" : "text"].string()));
  }
  return parts;
}

std::string id_of(const JsonNode& item, const char* prefix, const NewId& new_id) {
  const JsonNode id = item["id"];
  return id.is_null() ? new_id(prefix) : id.string();
}

Json read_message(const JsonNode& item, const NewId& new_id) {
  const JsonNode role = item["role"], content = item["content"];
  const std::string& who = role.string();
  if (who != "user" && who != "assistant" && who != "system" && who != "developer")
    role.fail("\"user\", \"assistant\", \"system\" or \"developer\"");
  const bool is_answer = who == "assistant";
  Json parts = is_answer ? read_parts(content, "output_text", {"output_text", "refusal"})
                         : read_parts(content, "input_text", {"input_text"});
  return {{"id", id_of(item, "msg_", new_id)},
          {"type", "message"},
          {"status", "completed"},
          {"role", who},
          {"content", std::move(parts)}};
}

Json read_reasoning(const JsonNode& item, const NewId& new_id) {
  const JsonNode content = item["content"], summary = item["summary"];
  Json parts = content.is_null() ? Json::array() : read_parts(content, "reasoning_text", {"reasoning_text", "text"});
  Json summaries = summary.is_null() ? Json::array() : read_parts(summary, "summary_text", {"summary_text"});
  return {{"id", id_of(item, "rs_", new_id)},
          {"type", "reasoning"},
          {"summary", std::move(summaries)},
          {"content", std::move(parts)}};
}

Json read_call(const JsonNode& item, const NewId& new_id) {
  const JsonNode name = item["name"];
  if (name.string().empty()) name.fail("a name");
  return {{"id", id_of(item, "fc_", new_id)},    {"type", "function_call"}, {"status", "completed"},
          {"call_id", item["call_id"].string()}, {"name", name.string()},   {"arguments", item["arguments"].string()}};
}

Json read_result(const JsonNode& item, const NewId& new_id) {
  const JsonNode output = item["output"];
  Json read = output.is_string() ? Json(output.string()) : read_parts(output, "input_text", {"input_text"});
  return {{"id", id_of(item, "fco_", new_id)},
          {"type", "function_call_output"},
          {"status", "completed"},
          {"call_id", item["call_id"].string()},
          {"output", std::move(read)}};
}

Json read_item(const JsonNode& item, const NewId& new_id) {
  const JsonNode type = item.object()["type"];
  const std::string what = type.string("message");
  if (what == "message") return read_message(item, new_id);
  if (what == "reasoning") return read_reasoning(item, new_id);
  if (what == "function_call") return read_call(item, new_id);
  if (what == "function_call_output") return read_result(item, new_id);
  type.fail(
      "\"message\", \"reasoning\", \"function_call\" or \"function_call_output\", as this server takes only these");
}

/// All text of a list of parts, or the text itself.
std::string text_of(const Json& content) {
  if (content.is_string()) return content.get<std::string>();
  std::string text;
  for (const Json& part : content) text += part.value(part["type"] == "refusal" ? "refusal" : "text", "");
  return text;
}

/// Puts what the assistant thinks, says and calls into one message for as long as nobody else speaks.
class Chat {
 public:
  void add(const Json& item) {
    const std::string type = item["type"];
    if (type == "reasoning") return think(item);
    if (type == "function_call") return call(item);
    if (type == "function_call_output")
      return void(messages_.push_back(
          {{"role", "tool"}, {"tool_call_id", item["call_id"]}, {"content", text_of(item["output"])}}));
    if (item["role"] == "assistant") return say(item);
    messages_.push_back({{"role", item["role"]}, {"content", text_of(item["content"])}});
  }
  Json take() { return std::move(messages_); }

 private:
  /// The assistant's message at the end, or a new one.
  Json& turn() {
    if (messages_.empty() || messages_.back()["role"] != "assistant")
      messages_.push_back({{"role", "assistant"}, {"content", nullptr}});
    return messages_.back();
  }
  void think(const Json& item) {
    std::string text = text_of(item["content"]);
    if (text.empty()) text = text_of(item["summary"]);
    if (text.empty()) return;
    Json& message = turn();
    message["reasoning_content"] = message.value("reasoning_content", "") + text;
  }
  void say(const Json& item) {
    Json& content = turn()["content"];
    content = (content.is_string() ? content.get<std::string>() : "") + text_of(item["content"]);
  }
  void call(const Json& item) {
    Json& calls = turn()["tool_calls"];
    if (!calls.is_array()) calls = Json::array();
    calls.push_back({{"id", item["call_id"]},
                     {"type", "function"},
                     {"function", {{"name", item["name"]}, {"arguments", item["arguments"]}}}});
  }

  Json messages_ = Json::array();
};

}  // namespace

Json read_items(const Json& input, const NewId& new_id) {
  const JsonNode node = JsonNode::of_request(input, "input");
  if (node.is_string())
    return Json::array({{{"id", new_id("msg_")},
                         {"type", "message"},
                         {"status", "completed"},
                         {"role", "user"},
                         {"content", read_parts(node, "input_text", {})}}});
  if (!node.is_array()) node.fail("a string or a list of items");
  Json items = Json::array();
  for (const JsonNode& item : node.elements()) items.push_back(read_item(item, new_id));
  return items;
}

Json messages_of(const Json& items) {
  Chat chat;
  for (const Json& item : items) chat.add(item);
  Json messages = chat.take();
  // An assistant that only thought said nothing.
  for (Json& message : messages)
    if (message["content"].is_null() && !message.contains("tool_calls")) message["content"] = "";
  return messages;
}

}  // namespace maru::api::openai
