#include "server/openai_chat.h"

#include "base/json.h"
#include "server/api_error.h"

namespace maru::server {
namespace {

[[noreturn]] void fail(std::string message, std::string param) {
  throw ApiFailure({.message = std::move(message), .param = std::move(param), .code = "invalid_value"});
}

/// Text parts put end to end.
std::string joined_parts(const Json& parts, const std::string& param) {
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i) {
    const Json& part = parts[i];
    const std::string place = param + "[" + std::to_string(i) + "]";
    if (!part.is_object() || !part.contains("type") || part["type"] != "text")
      fail(place + ".type: this server takes only parts of type \"text\"", place + ".type");
    if (!part.contains("text") || !part["text"].is_string()) fail(place + ".text: expected a string", place + ".text");
    text += part["text"].get_ref<const std::string&>();
  }
  return text;
}

void read_content(Json& message, const std::string& param) {
  const bool calls = message.contains("tool_calls") && !message["tool_calls"].is_null();
  const bool absent = !message.contains("content") || message["content"].is_null();
  if (absent && calls) return;
  if (absent) fail(param + ": expected a string or a list of text parts", param);
  Json& content = message["content"];
  if (content.is_array()) content = joined_parts(content, param);
  if (!content.is_string()) fail(param + ": expected a string or a list of text parts", param);
}

// Clients send the arguments of a call as JSON text; templates write them as JSON themselves.
void read_tool_calls(Json& message, const std::string& param) {
  const auto calls = message.find("tool_calls");
  if (calls == message.end() || calls->is_null()) return;
  if (!calls->is_array()) fail(param + ": expected a list of tool calls", param);
  for (size_t i = 0; i < calls->size(); ++i) {
    Json& call = (*calls)[i];
    const std::string place = param + "[" + std::to_string(i) + "]";
    if (!call.is_object() || !call.contains("function") || !call["function"].is_object())
      fail(place + ".function: expected an object", place + ".function");
    const auto arguments = call["function"].find("arguments");
    if (arguments == call["function"].end() || !arguments->is_string()) continue;
    Result<Json> parsed = parse_json(arguments->get_ref<const std::string&>(), place + ".function.arguments");
    if (!parsed) fail(parsed.error().message, place + ".function.arguments");
    *arguments = std::move(*parsed);
  }
}

Json read_messages(const ChatRequest& request, const text::ChatTemplate& chat_template) {
  if (!request.messages.is_array()) fail("messages: expected a list of messages", "messages");
  Json messages = request.messages;
  const bool knows_developer = chat_template.mentions("developer");
  for (size_t i = 0; i < messages.size(); ++i) {
    const std::string param = "messages[" + std::to_string(i) + "]";
    if (!messages[i].is_object()) fail(param + ": expected an object", param);
    const auto role = messages[i].find("role");
    if (role == messages[i].end() || !role->is_string()) fail(param + ".role: missing", param + ".role");
    if (!knows_developer && *role == "developer") *role = "system";
    read_content(messages[i], param + ".content");
    read_tool_calls(messages[i], param + ".tool_calls");
  }
  return messages;
}

/// A list of objects, or null where there is nothing in it.
const Json* read_list(const Json& list, const char* name) {
  if (list.is_null()) return nullptr;
  if (!list.is_array()) fail(std::string(name) + ": expected a list of objects", name);
  for (size_t i = 0; i < list.size(); ++i)
    if (const std::string param = std::string(name) + "[" + std::to_string(i) + "]"; !list[i].is_object())
      fail(param + ": expected an object", param);
  return list.empty() ? nullptr : &list;
}

const Json* read_tools(const ChatRequest& request) {
  const Json& choice = request.tool_choice;
  if (!choice.is_null() && choice != "auto" && choice != "none")
    throw ApiFailure({.message = "'tool_choice' other than \"auto\" and \"none\" is not supported by this server",
                      .param = "tool_choice",
                      .code = "unsupported_parameter"});
  const Json* tools = read_list(request.tools, "tools");
  return choice == "none" ? nullptr : tools;
}

const Json* read_variables(const Json& variables) {
  if (!variables.is_null() && !variables.is_object())
    fail("chat_template_kwargs: expected an object", "chat_template_kwargs");
  return &variables;
}

/// "messages[2].role: …" names its field; anything else the template says is about the messages.
[[noreturn]] void fail_template(const std::string& what) {
  const bool named = what.starts_with("messages[");
  fail(what, named ? what.substr(0, what.find(": ")) : "messages");
}

}  // namespace

std::vector<int32_t> chat_prompt(const ChatRequest& request, const text::Tokenizer& tokenizer,
                                 const text::ChatTemplate* chat_template) {
  if (chat_template == nullptr)
    fail("this model has no chat template and cannot chat; use /v1/completions", "messages");
  const Json messages = read_messages(request, *chat_template);
  const bool open = request.continue_final_message;
  const text::ChatOptions options{.tools = read_tools(request),
                                  .documents = read_list(request.documents, "documents"),
                                  .variables = read_variables(request.chat_template_kwargs),
                                  .add_generation_prompt = request.add_generation_prompt && !open,
                                  .continue_field = open ? "content" : "",
                                  .clock = text::jinja::local_clock()};
  text::RenderedChat chat;
  try {
    chat = chat_template->render(messages, options);
  } catch (const Failure& failure) {
    fail_template(failure.what());
  }
  std::vector<int32_t> prompt = text::encode_chat(tokenizer, chat).ids;
  if (prompt.empty()) fail("messages: the chat template makes an empty text of them", "messages");
  return prompt;
}

}  // namespace maru::server
