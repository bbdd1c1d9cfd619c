#include "api/ollama/messages.h"

#include <deque>
#include <string>
#include <utility>

#include "base/json_node.h"
#include "base/request_failure.h"

namespace maru::api::ollama {
namespace {

class Reader {
 public:
  void read(const JsonNode& message) {
    const JsonNode role = message.object()["role"], images = message["images"], thinking = message["thinking"];
    if (role.string().empty()) role.fail("a role");
    if (!images.is_null() && images.size() > 0) images.refuse("this server takes no images");
    Json said{{"role", role.string()}, {"content", message["content"].string("")}};
    if (!thinking.is_null() && !thinking.string().empty()) said["reasoning_content"] = thinking.string();
    add_calls(message["tool_calls"], said);
    if (role.string() == "tool") add_result(message, said);
    messages_.push_back(std::move(said));
  }
  Json take() { return std::move(messages_); }

 private:
  void add_calls(const JsonNode& calls, Json& said) {
    if (calls.is_null() || calls.size() == 0) return;
    Json& list = said["tool_calls"] = Json::array();
    for (const JsonNode& call : calls.elements()) {
      const JsonNode function = call.object()["function"], name = function.object()["name"];
      if (name.string().empty()) name.fail("a name");
      const JsonNode arguments = function["arguments"];
      Json given = arguments.is_null() ? Json::object() : arguments.object().json();
      const std::string id = call["id"].string("");
      open_.push_back(id.empty() ? "call_" + std::to_string(++count_) : id);
      list.push_back({{"id", open_.back()},
                      {"type", "function"},
                      {"function", {{"name", name.string()}, {"arguments", std::move(given)}}}});
    }
  }

  void add_result(const JsonNode& message, Json& said) {
    std::string id = message["tool_call_id"].string("");
    if (const std::string name = message["tool_name"].string(""); !name.empty()) said["name"] = name;
    if (id.empty() && !open_.empty()) id = open_.front();
    if (!id.empty()) said["tool_call_id"] = id;
    std::erase(open_, id);
  }

  Json messages_ = Json::array();
  std::deque<std::string> open_;  // ids of calls that nothing has answered yet
  int64_t count_ = 0;
};

}  // namespace

Json read_messages(const Json& messages) {
  Reader reader;
  for (const JsonNode& message : JsonNode::of_request(messages, "messages").elements()) reader.read(message);
  return reader.take();
}

Json read_tools(const Json& tools) {
  if (tools.is_null() || tools.empty()) return nullptr;
  Json functions = Json::array();
  for (const JsonNode& tool : JsonNode::of_request(tools, "tools").elements()) {
    const JsonNode type = tool.object()["type"];
    if (type.string("function") != "function") type.fail("\"function\", as this server takes only these tools");
    const JsonNode function = tool["function"].object(), name = function["name"], parameters = function["parameters"];
    if (name.string().empty()) name.fail("a name");
    if (!parameters.is_null()) parameters.object();
    functions.push_back({{"type", "function"}, {"function", function.json()}});
  }
  return functions;
}

}  // namespace maru::api::ollama
