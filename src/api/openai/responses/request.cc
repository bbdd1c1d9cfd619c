#include "api/openai/responses/request.h"

#include <algorithm>
#include <array>
#include <utility>

#include "api/openai/fields.h"
#include "api/openai/responses/items.h"
#include "api/openai/responses/truncation.h"
#include "base/json_node.h"
#include "base/request_failure.h"
#include "http/json_body.h"

namespace maru::api::openai {
namespace {

constexpr size_t kMaxNotes = 16, kMaxNoteName = 64, kMaxNote = 512;  // as OpenAI documents metadata
constexpr std::array<std::string_view, 8> kIncludes{"message.output_text.logprobs",
                                                    "reasoning.encrypted_content",
                                                    "file_search_call.results",
                                                    "web_search_call.results",
                                                    "web_search_call.action.sources",
                                                    "message.input_image.image_url",
                                                    "computer_call_output.output.image_url",
                                                    "code_interpreter_call.outputs"};

std::vector<http::PassedField> passed() {
  std::vector<http::PassedField> fields = harmless_fields();
  std::erase_if(fields, [](const http::PassedField& field) { return field.name == "metadata"; });
  const std::initializer_list<http::PassedField> more{
      {"access_programs", "", "OpenAI: what a client is trusted with"},
      {"background_options", "", "OpenAI: when work in the background is to be done"},
      {"context_management", "[]", "OpenAI: shortens a long conversation"},
      {"conversation", "", "OpenAI: kept conversations; previous_response_id goes on with an answer"},
      {"enable_response_messages", "false", "vLLM: the tokens of the conversation"},
      {"image", "", "OpenAI: of images"},
      {"max_tool_calls", "*", "OpenAI: of tools that the server runs"},
      {"mm_processor_kwargs", "{}", "vLLM: of images and audio"},
      {"moderation", "", "OpenAI: a judgement of prompt and answer"},
      {"previous_input_messages", "", "vLLM: a conversation in another form"},
      {"prompt", "", "OpenAI: kept prompts"},
      {"request_id", "*", "vLLM: the client's name for the request"},
      {"vllm_xargs", "{}", "vLLM: of its extensions"},
  };
  fields.insert(fields.end(), more);
  return fields;
}

void check_notes(const std::map<std::string, std::string>& notes) {
  if (notes.size() > kMaxNotes) refuse("metadata: expected at most 16 notes", "metadata");
  for (const auto& [name, note] : notes)
    if (name.size() > kMaxNoteName || note.size() > kMaxNote)
      refuse("metadata: expected names of at most 64 bytes and texts of at most 512", "metadata");
}

void check_includes(ResponsesRequest& request) {
  for (size_t i = 0; i < request.include.size(); ++i) {
    const std::string& what = request.include[i];
    if (std::find(kIncludes.begin(), kIncludes.end(), what) == kIncludes.end())
      refuse(numbered("include", i) + ": is none of those that OpenAI documents", numbered("include", i));
    if (what == "reasoning.encrypted_content")
      request.warnings.emplace_back("include: reasoning is not encrypted; it is in the content of its items");
  }
}

void take_only(const JsonNode& node, std::initializer_list<std::string_view> known) {
  for (const auto& [name, field] : node.object().members())
    if (std::find(known.begin(), known.end(), name) == known.end())
      refuse(field.where() + ": is not supported by this server", field.where(), "unsupported_parameter");
}

/// {"type": "function", "name", …} as a chat has it: {"type": "function", "function": {"name", …}}.
Json chat_tools(const Json& tools) {
  if (tools.is_null()) return nullptr;
  Json list = Json::array();
  for (const JsonNode& tool : JsonNode::of_request(tools, "tools").elements()) {
    if (const JsonNode type = tool.object()["type"]; type.string() != "function")
      type.fail("\"function\", as this server takes only tools that the client runs");
    take_only(tool, {"type", "name", "description", "parameters", "strict"});
    Json function = Json::object();
    for (const auto& [name, field] : tool.members())
      if (name != "type" && !field.is_null()) function[name] = field.json();
    list.push_back({{"type", "function"}, {"function", std::move(function)}});
  }
  return list;
}

Json chat_tool_choice(const Json& choice) {
  if (!choice.is_object()) return choice;
  const JsonNode node = JsonNode::of_request(choice, "tool_choice");
  if (const JsonNode type = node["type"]; type.string() != "function") type.fail("\"function\"");
  return {{"type", "function"}, {"function", {{"name", node["name"].string()}}}};
}

/// The format of "text" as the response_format of a chat.
Json chat_format(const Json& text) {
  const JsonNode node = JsonNode::of_request(text, "text");
  if (node.is_null()) return nullptr;
  take_only(node, {"format", "verbosity"});
  if (const JsonNode verbosity = node["verbosity"]; verbosity.string("medium") != "medium")
    refuse("text.verbosity: is not supported by this server but for \"medium\"", "text.verbosity",
           "unsupported_parameter");
  const JsonNode format = node["format"];
  if (format.is_null() || format["type"].string() != "json_schema") return format.json();
  Json schema = Json::object();
  for (const auto& [name, field] : format.members())
    if (name != "type" && !field.is_null()) schema[name] = field.json();
  return {{"type", "json_schema"}, {"json_schema", std::move(schema)}};
}

/// The effort; what is asked besides is warned of, since clients ask for summaries unasked.
std::string read_reasoning(const Json& reasoning, std::vector<std::string>& warnings) {
  const JsonNode node = JsonNode::of_request(reasoning, "reasoning");
  if (node.is_null()) return "";
  take_only(node, {"effort", "summary", "generate_summary"});
  for (const char* name : {"summary", "generate_summary"})
    if (!node[name].is_null())
      warnings.push_back("reasoning." + std::string(name) + ": none is written; items have the reasoning itself");
  return node["effort"].string("");
}

/// The words of a chat's fields in those of this API.
std::string own_name(const std::string& field) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kNames{
      {{"messages", "input"},
       {"response_format.json_schema", "text.format"},
       {"response_format", "text.format"},
       {"max_tokens", "max_output_tokens"},
       {"reasoning_effort", "reasoning.effort"}}};
  for (const auto& [chat, own] : kNames)
    if (field.starts_with(chat)) return std::string(own) + field.substr(chat.size());
  if (!field.starts_with("tools[")) return field;
  const size_t at = field.find(".function");
  return at == std::string::npos ? field
                                 : field.substr(0, at) + field.substr(at + std::string_view(".function").size());
}

}  // namespace

const http::BodyFields& responses_fields() {
  static const http::BodyFields kFields = http::body_fields<ResponsesRequest>("responses", passed());
  return kFields;
}

ResponsesRequest parse_responses_request(std::string_view body, bool ignore_unknown) {
  return read_responses_request(http::read_object(body), ignore_unknown);
}

ResponsesRequest read_responses_request(Json object, bool ignore_unknown) {
  std::vector<std::string> warnings;
  auto request = http::read_fields<ResponsesRequest>(
      http::take_fields(std::move(object), responses_fields(), ignore_unknown, warnings));
  request.warnings = std::move(warnings);
  if (request.model.empty()) refuse("you must provide a model parameter", "model", "missing_required_parameter");
  if (request.input.is_null()) refuse("you must provide an input parameter", "input", "missing_required_parameter");
  if (request.stream_options && !request.stream)
    refuse("'stream_options' is only allowed when 'stream' is true", "stream_options");
  if (request.background && !request.store) refuse("'background' needs 'store'", "background");
  check_notes(request.metadata);
  check_includes(request);
  return request;
}

ChatRequest chat_of(const ResponsesRequest& request, const Json& items) {
  ChatRequest chat;
  chat.model = request.model;
  chat.temperature = request.temperature;
  chat.top_p = request.top_p;
  chat.top_k = request.top_k;
  chat.presence_penalty = request.presence_penalty;
  chat.frequency_penalty = request.frequency_penalty;
  chat.repetition_penalty = request.repetition_penalty;
  chat.seed = request.seed;
  chat.max_completion_tokens = request.max_output_tokens;
  chat.stop = request.stop;
  chat.ignore_eos = request.ignore_eos;
  chat.skip_special_tokens = request.skip_special_tokens;
  chat.include_stop_str_in_output = request.include_stop_str_in_output;
  chat.priority = request.priority;
  chat.cache_salt = request.cache_salt;
  chat.structured_outputs = request.structured_outputs;
  chat.chat_template_kwargs = request.chat_template_kwargs;
  chat.parallel_tool_calls = request.parallel_tool_calls;
  chat.tools = chat_tools(request.tools);
  chat.tool_choice = chat_tool_choice(request.tool_choice);
  chat.response_format = chat_format(request.text);
  chat.warnings = request.warnings;
  chat.reasoning_effort = read_reasoning(request.reasoning, chat.warnings);
  chat.logprobs = wants_logprobs(request);
  if (chat.logprobs) chat.top_logprobs = request.top_logprobs;
  chat.messages = messages_of(items);
  if (request.instructions && !request.instructions->empty())
    chat.messages.insert(chat.messages.begin(), Json{{"role", "system"}, {"content", *request.instructions}});
  return chat;
}

bool wants_logprobs(const ResponsesRequest& request) {
  const auto& include = request.include;
  return request.top_logprobs > 0 ||
         std::find(include.begin(), include.end(), "message.output_text.logprobs") != include.end();
}

namespace {

PreparedRequest prepare_all(const ResponsesRequest& request, const Json& items, const serving::ChatModel& model,
                            const serving::RequestLimits& limits) {
  const ChatRequest chat = chat_of(request, items);
  try {
    check_chat_request(chat);
    return prepare(chat, model, limits);
  } catch (const RequestFailure& failure) {
    const std::string name = own_name(failure.field());
    if (name == failure.field()) throw;
    throw RequestFailure(failure.code(), failure.what(), name, failure.word());
  }
}

}  // namespace

PreparedRequest prepare(const ResponsesRequest& request, const Json& items, const serving::ChatModel& model,
                        const serving::RequestLimits& limits) {
  if (request.truncation == "disabled") return prepare_all(request, items, model, limits);
  const int64_t most = limits.max_context - room_for_answer(request.max_output_tokens, limits.max_context);
  const auto fits = [&](const Json& some) {
    try {
      return std::ssize(prepare_all(request, some, model, limits).prompts.front().prompt) <= most;
    } catch (const RequestFailure& failure) {
      if (failure.word() != "context_length_exceeded") throw;
      return false;
    }
  };
  size_t left_out = 0;
  PreparedRequest prepared = prepare_all(request, cut_to_fit(items, fits, left_out), model, limits);
  if (left_out > 0)
    prepared.warnings.push_back("truncation: the first " + std::to_string(left_out) +
                                " items of the conversation are left out, as all are more than the model takes");
  return prepared;
}

}  // namespace maru::api::openai
