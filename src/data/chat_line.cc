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
  bool answered = false;
  for (const JsonNode& message : all) {
    if (message["role"].string() != "assistant") continue;
    check_answering_message(message);
    answered = true;
  }
  if (!answered) messages.refuse("no assistant turn to learn from");
}

Json message_of(std::string_view role, const std::string& content) { return {{"role", role}, {"content", content}}; }

// Who speaks, in ShareGPT's words and NeMo's.
std::string_view role_of(const JsonNode& from) {
  constexpr std::pair<std::string_view, std::string_view> kRoles[] = {
      {"human", "user"},      {"user", "user"},           {"User", "user"},           {"gpt", "assistant"},
      {"model", "assistant"}, {"assistant", "assistant"}, {"Assistant", "assistant"}, {"system", "system"},
      {"System", "system"},   {"tool", "tool"},           {"observation", "tool"}};
  for (const auto& [name, role] : kRoles)
    if (from.string() == name) return role;
  from.fail("human, user, gpt, assistant, system, tool or observation");
}

// {"conversations": [{"from", "value"}]} of ShareGPT; NeMo's has "system" beside it, and "mask" says whose words are
// not learnt from, which has to be the user.
ChatLine read_turns(const JsonNode& line) {
  Json messages = Json::array();
  if (const JsonNode system = line["system"]; !system.is_null() && !system.string().empty())
    messages.push_back(message_of("system", system.string()));
  for (const JsonNode& turn : line["conversations"].elements()) {
    const std::string_view role = role_of(turn.object()["from"]);
    if (role == "assistant") check_answer(turn["value"]);
    messages.push_back(message_of(role, turn["value"].string()));
  }
  if (const JsonNode mask = line["mask"]; !mask.is_null() && role_of(mask) != "user")
    mask.fail("User: what the assistant says is what is learnt");
  const JsonNode all(messages, line.where() + ": conversations");
  check_messages(all);
  return {messages, list_or_null(line["tools"]), {}};
}

// {"instruction", "input", "output"} of Alpaca.
ChatLine read_instruction(const JsonNode& line) {
  Json messages = Json::array();
  if (const JsonNode system = line["system"]; !system.is_null() && !system.string().empty())
    messages.push_back(message_of("system", system.string()));
  std::string question = line["instruction"].string();
  if (const JsonNode input = line["input"]; !input.is_null() && !input.string().empty())
    question += "\n\n" + input.string();
  messages.push_back(message_of("user", question));
  check_answer(line["output"]);
  messages.push_back(message_of("assistant", line["output"].string()));
  return {messages, {}, {}};
}

// {"prompt", "completion"}: texts, or lists of messages of which the completion's are learnt from.
ChatLine read_completion(const JsonNode& line) {
  const JsonNode prompt = line["prompt"], completion = line["completion"];
  if (!prompt.is_array()) {
    check_answer(completion);
    return {Json::array({message_of("user", prompt.string()), message_of("assistant", completion.string())}), {}, {}};
  }
  Json messages = prompt.json();
  for (const JsonNode& message : prompt.elements()) check_message(message);
  check_messages(completion);
  for (const JsonNode& message : completion.elements()) messages.push_back(message.json());
  return {messages, list_or_null(line["tools"]), {}, prompt.size()};
}

ChatLine read_chat(const JsonNode& line) {
  if (const JsonNode messages = line.object()["messages"]; !messages.is_missing()) {
    check_messages(messages);
    return {messages.json(), list_or_null(line["tools"]), list_or_null(line["documents"])};
  }
  if (!line["conversations"].is_missing()) return read_turns(line);
  if (!line["instruction"].is_missing()) return read_instruction(line);
  if (line["prompt"].is_missing())
    line.refuse("expected \"messages\", or \"prompt\" and \"completion\": prompt: is missing");
  return read_completion(line);
}

}  // namespace

void check_message(const JsonNode& message) {
  message.object()["role"].string();
  const JsonNode content = message["content"];
  const bool calls = content.is_null() && !message["tool_calls"].is_missing();  // in the place of words
  if (!content.is_array() && !calls) content.string();
}

void check_answer(const JsonNode& text) {
  if (text.string().find_first_not_of(" \t\r\n") == std::string::npos) text.refuse("is empty: expected an answer");
}

void check_answering_message(const JsonNode& message) {
  const JsonNode content = message["content"];
  if (!message["tool_calls"].is_null()) return;
  if (content.is_string())
    check_answer(content);
  else if (content.is_null() || content.json().empty())
    content.refuse("is empty: expected an answer");
}

Json list_or_null(const JsonNode& node) {
  if (!node.is_null()) node.size();
  return node.json();
}

Result<ChatLine> parse_chat(std::string_view line, std::string_view where) {
  const Result<Json> json = parse_json(line, where, {.unique_keys = true});
  if (!json) return json.error();
  try {
    return read_chat(JsonNode(json.value(), std::string(where)));
  } catch (const Failure& failure) {
    return failure.error();
  }
}

}  // namespace maru::data
