#include "api/ollama/request.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "api/ollama/messages.h"
#include "base/excerpt.h"
#include "base/json_node.h"
#include "base/request_failure.h"
#include "http/json_body.h"
#include "serving/call_constraint.h"
#include "text/grammar/compile.h"

namespace maru::api::ollama {
namespace {

std::shared_ptr<const text::Grammar> read_format(const Json& format) {
  if (format.is_null() || format == "") return nullptr;
  if (format == "json") return text::compile_json_object();
  const JsonNode node = JsonNode::of_request(format, "format");
  if (!node.is_object()) node.fail("\"json\" or a JSON Schema");
  return text::compile_json_schema(node);
}

/// true, false, or how hard the model is to think, which is a variable of its template.
void read_think(const Json& think, const serving::ChatModel& model, serving::Conversation& to) {
  if (think.is_null()) return;
  const JsonNode node = JsonNode::of_request(think, "think");
  const bool by_name = think.is_string();
  if (by_name && think != "low" && think != "medium" && think != "high")
    node.fail("true, false, \"low\", \"medium\" or \"high\"");
  to.reasons = by_name || node.boolean();
  if (*to.reasons && model.forms.reasoning == nullptr)
    refuse("think: \"" + excerpt(model.id) + "\" does not support thinking", "think", "unsupported_parameter");
  if (!by_name) return;
  if (serving::mentions(model, "reasoning_effort", to))
    to.variables = {{"reasoning_effort", think}};
  else
    to.warnings.emplace_back("think: the model's chat template does not read how hard");
}

void check_asked(const AskRequest& request) {
  if (request.top_logprobs && !request.logprobs)
    refuse("top_logprobs: is only allowed when logprobs is true", "top_logprobs");
}

/// What both kinds of requests ask for besides their prompt.
infer::GenerationRequest to_generation(const AskRequest& request, const Options& options,
                                       const serving::RequestLimits& limits) {
  infer::GenerationRequest generation;
  apply(options, generation);
  if (request.logprobs) generation.sampling.top_logprobs = request.top_logprobs.value_or(0);
  generation.timeout_seconds = limits.timeout_seconds;
  return generation;
}

void take_prompt(serving::ChatPrompt prompt, const Json& format, const serving::ChatModel& model, PreparedRequest& to) {
  to.generation.prompt = std::move(prompt.tokens);
  to.generation.constraint = std::move(prompt.constraint);
  to.reading = std::move(prompt.reading);
  to.warnings.insert(to.warnings.end(), prompt.warnings.begin(), prompt.warnings.end());
  auto form = read_format(format);
  if (form == nullptr) return;
  if (to.generation.constraint) refuse("format: an answer that must call tools cannot have a form besides", "format");
  to.generation.constraint = serving::constraint_of(std::move(form), model, to.reading);
}

/// The tokens behind an answer, up to where the next turn begins.
std::vector<int32_t> closing_of(serving::Conversation conversation, const serving::ChatModel& model) {
  constexpr std::string_view kAnswer = "0answer0";
  conversation.messages.push_back({{"role", "assistant"}, {"content", kAnswer}});
  text::ChatOptions options{.variables = &conversation.variables, .clock = text::jinja::local_clock()};
  const text::RenderedChat rendered = model.chat_template->render(conversation.messages, options);
  const std::string text = rendered.text();
  const size_t at = text.rfind(kAnswer);
  if (at == std::string::npos) return {};
  text::RenderedChat rest;
  rest.segments.push_back({.text = text.substr(at + kAnswer.size()), .own = true});
  return text::encode_chat(*model.tokenizer, rest).ids;
}

std::vector<int32_t> read_context(const JsonNode& context, int64_t vocab_size) {
  std::vector<int32_t> tokens;
  if (context.is_null()) return tokens;
  const auto most = static_cast<double>(vocab_size - 1);
  for (size_t i = 0; i < context.size(); ++i) tokens.push_back(static_cast<int32_t>(context.at(i).integer({0, most})));
  return tokens;
}

/// Puts what was said before in front of a prompt, which then begins no text any more.
void prepend(std::vector<int32_t> context, const text::Tokenizer& tokenizer, std::vector<int32_t>& prompt) {
  if (context.empty()) return;
  const std::vector<int32_t> begin = tokenizer.encode("", {.add_special_tokens = true});
  const bool begins = !begin.empty() && prompt.front() == begin.front();
  context.insert(context.end(), prompt.begin() + (begins ? 1 : 0), prompt.end());
  prompt = std::move(context);
}

serving::Conversation conversation_of(const OllamaGenerateRequest& request, const serving::ChatModel& model) {
  serving::Conversation conversation;
  conversation.messages = Json::array();
  if (!request.system.empty()) conversation.messages.push_back({{"role", "system"}, {"content", request.system}});
  conversation.messages.push_back({{"role", "user"}, {"content", request.prompt}});
  read_think(request.think, model, conversation);
  return conversation;
}

void check_generate(const OllamaGenerateRequest& request) {
  check_asked(request);
  if (!request.suffix.empty()) refuse("suffix: this server does not fill in between", "suffix");
  if (!request.template_text.empty()) refuse("template: a model's own chat template is used", "template");
  if (!request.images.is_null() && !request.images.empty()) refuse("images: this server takes no images", "images");
  const bool any = !request.context.is_null() && !request.context.empty();
  if (request.raw && (any || !request.system.empty()))
    refuse("raw: goes without system and context", any ? "context" : "system");
  if (request.raw && !request.think.is_null() && request.think != false)
    refuse("think: a raw prompt says itself whether to think", "think");
}

/// The prompt as it stands.
void take_raw(const OllamaGenerateRequest& request, const text::Tokenizer& tokenizer, PreparedRequest& to) {
  to.generation.prompt = tokenizer.encode(request.prompt, {.add_special_tokens = true});
  if (to.generation.prompt.empty()) refuse("prompt: is empty", "prompt");
  if (auto form = read_format(request.format)) to.generation.constraint = infer::AnswerConstraint{std::move(form)};
}

}  // namespace

OllamaChatRequest parse_chat_request(std::string_view body) {
  auto request = http::read_fields<OllamaChatRequest>(http::read_object(body));
  check_asked(request);
  if (!request.messages.is_null() && !request.messages.is_array())
    JsonNode::of_request(request.messages, "messages").fail("a list of messages");
  return request;
}

OllamaGenerateRequest parse_generate_request(std::string_view body) {
  auto request = http::read_fields<OllamaGenerateRequest>(http::read_object(body));
  check_generate(request);
  return request;
}

bool only_loads(const OllamaChatRequest& request) { return request.messages.empty(); }
bool only_loads(const OllamaGenerateRequest& request) { return request.prompt.empty() && request.system.empty(); }

PreparedRequest prepare(const OllamaChatRequest& request, const serving::ChatModel& model,
                        const serving::RequestLimits& limits) {
  const Options options = read_options(request.options);
  PreparedRequest prepared{.generation = to_generation(request, options, limits)};
  serving::Conversation conversation;
  conversation.messages = read_messages(request.messages);
  conversation.tools = read_tools(request.tools);
  read_think(request.think, model, conversation);
  const Json& last = conversation.messages.back();
  conversation.continue_last = last["role"] == "assistant" && !last.contains("tool_calls");
  prepared.generation.continues_prompt = conversation.continue_last;
  take_prompt(serving::chat_prompt(std::move(conversation), model), request.format, model, prepared);
  const serving::RequestLimits room = within(options, limits, prepared.warnings);
  serving::fit(prepared.generation, wanted_tokens(options), room, "messages", prepared.warnings);
  return prepared;
}

PreparedRequest prepare(const OllamaGenerateRequest& request, const serving::ChatModel& model,
                        const serving::RequestLimits& limits) {
  const Options options = read_options(request.options);
  PreparedRequest prepared{.generation = to_generation(request, options, limits)};
  prepared.keeps_context = !request.raw;
  if (request.raw || model.chat_template == nullptr) {
    if (!request.system.empty()) refuse("system: this model has no chat template to say it with", "system");
    take_raw(request, *model.tokenizer, prepared);
  } else {
    const serving::Conversation conversation = conversation_of(request, model);
    prepared.generation.continues_prompt = false;
    take_prompt(serving::chat_prompt(conversation, model), request.format, model, prepared);
    prepared.closing = closing_of(conversation, model);
  }
  prepend(read_context(JsonNode::of_request(request.context, "context"), limits.vocab_size), *model.tokenizer,
          prepared.generation.prompt);
  const serving::RequestLimits room = within(options, limits, prepared.warnings);
  serving::fit(prepared.generation, wanted_tokens(options), room, "prompt", prepared.warnings);
  return prepared;
}

}  // namespace maru::api::ollama
