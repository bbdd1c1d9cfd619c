#include "api/anthropic/messages.h"

#include <utility>

namespace maru::api::anthropic {
namespace {

void append(Json& message, const char* field, const std::string& text, const char* between) {
  Json& to = message[field];
  if (!to.is_string()) to = "";
  auto& all = to.get_ref<std::string&>();  // in place: a body may hold many turns
  if (!all.empty() && !text.empty()) all += between;
  all += text;
}

class Reader {
 public:
  void read(const JsonNode& message) {
    const JsonNode role = message.object()["role"], content = message["content"];
    if (role.json() != "user" && role.json() != "assistant") role.fail("\"user\" or \"assistant\"");
    begins_ = true;
    is_user_ = role.json() == "user";
    if (content.is_string()) return say(content.string());
    if (!content.is_array()) content.fail("a string or a list of blocks");
    if (content.size() == 0) return say("");
    for (const JsonNode& block : content.elements()) read_block(block);
  }
  Json take() { return std::move(messages_); }

 private:
  void read_block(const JsonNode& block) {
    const JsonNode type = block.object()["type"];
    const std::string& what = type.string();
    if (what == "text")
      say(block["text"].string());
    else if (what == "tool_result" && is_user_)
      add_result(block);
    else if (what == "tool_use" && !is_user_)
      add_call(block);
    else if (what == "thinking" && !is_user_)
      append(turn(), "reasoning_content", block["thinking"].string(), "\n\n");
    else
      type.fail(is_user_ ? "\"text\" or \"tool_result\", as this server takes only these blocks of the user"
                         : "\"text\", \"thinking\" or \"tool_use\", as this server takes only these of the assistant");
  }

  /// The last message if it is of the role that speaks, else a new one.
  Json& turn() {
    const char* role = is_user_ ? "user" : "assistant";
    if (messages_.empty() || messages_.back()["role"] != role) messages_.push_back({{"role", role}, {"content", ""}});
    return messages_.back();
  }

  void say(const std::string& text) { append(turn(), "content", text, std::exchange(begins_, false) ? "\n\n" : ""); }

  void add_call(const JsonNode& block) {
    const JsonNode input = block["input"];
    Json function{{"name", block["name"].string()}, {"arguments", input.object().json()}};
    Json& calls = turn()["tool_calls"];
    if (!calls.is_array()) calls = Json::array();
    calls.push_back({{"id", block["id"].string()}, {"type", "function"}, {"function", std::move(function)}});
  }

  void add_result(const JsonNode& block) {
    const JsonNode content = block["content"];
    Json message{{"role", "tool"},
                 {"tool_call_id", block["tool_use_id"].string()},
                 {"content", content.is_null() ? "" : read_text(content)}};
    if (block["is_error"].boolean(false)) message["is_error"] = true;
    messages_.push_back(std::move(message));
  }

  Json messages_ = Json::array();
  bool is_user_ = true, begins_ = true;
};

}  // namespace

std::string read_text(const JsonNode& content) {
  if (content.is_string()) return content.string();
  if (!content.is_array()) content.fail("a string or a list of text blocks");
  std::string text;
  for (const JsonNode& block : content.elements()) {
    const JsonNode type = block.object()["type"];
    if (type.string() != "text") type.fail("\"text\", as this server takes only blocks of that type here");
    text += block["text"].string();
  }
  return text;
}

Json read_messages(const Json& messages) {
  Reader reader;
  for (const JsonNode& message : JsonNode::of_request(messages, "messages").elements()) reader.read(message);
  return reader.take();
}

}  // namespace maru::api::anthropic
