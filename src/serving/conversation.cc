#include "serving/conversation.h"

#include <ctime>
#include <optional>
#include <utility>

#include "base/excerpt.h"
#include "base/hash.h"
#include "base/request_failure.h"
#include "serving/call_constraint.h"
#include "serving/tool_messages.h"

namespace maru::serving {
namespace {

// The longest chats take some 10 ms. A template that takes this long on a busy machine would keep others waiting.
constexpr double kRenderSeconds = 2;

/// "messages[2].role: …" names its field; anything else the template says is about the messages.
[[noreturn]] void fail_template(const Failure& failure) {
  if (failure.code() == ErrorCode::kDeadline) throw Failure(failure.error());
  const std::string what = failure.what();
  refuse(what, what.starts_with("messages[") ? what.substr(0, what.find(": ")) : "messages");
}

/// The messages with empty text where they have none; nothing when all have some.
std::optional<Json> with_empty_contents(const Json& messages) {
  Json filled = messages;
  bool any = false;
  for (Json& message : filled) {
    if (message.contains("content") && !message["content"].is_null()) continue;
    message["content"] = "";
    any = true;
  }
  return any ? std::optional(std::move(filled)) : std::nullopt;
}

// A template that knows calls of tools asks whether there is content; one that does not just writes it. The second is
// given an empty one, as all servers do.
text::RenderedChat render(const text::ChatTemplate& chat_template, const Json& messages,
                          const text::ChatOptions& options) {
  try {
    return chat_template.render(messages, options);
  } catch (const Failure& first) {
    const std::optional<Json> filled =
        first.code() == ErrorCode::kInvalidArgument ? with_empty_contents(messages) : std::nullopt;
    if (!filled) fail_template(first);
    try {
      return chat_template.render(*filled, options);
    } catch (const Failure& second) {
      fail_template(second.code() == ErrorCode::kDeadline ? second : first);
    }
  }
}

bool has_tools(const Conversation& conversation) {
  return conversation.tool_choice.kind != ToolChoice::Kind::kNone && conversation.tools.is_array() &&
         !conversation.tools.empty();
}

/// Whole seconds. The name of the time zone is this machine's where that has the same time, else empty.
text::jinja::Clock clock_of(const ledger::Timestamp& time) {
  const std::time_t seconds = time.seconds, wall = seconds + time.offset_seconds;
  text::jinja::Clock clock;
  localtime_r(&seconds, &clock.time);
  if (clock.time.tm_gmtoff == time.offset_seconds) return clock;
  gmtime_r(&wall, &clock.time);
  clock.time.tm_gmtoff = time.offset_seconds;
  clock.time.tm_zone = "";
  return clock;
}

text::ChatOptions options_of(const Conversation& conversation, const std::optional<ledger::Timestamp>& time = {}) {
  text::ChatOptions options{.tools = has_tools(conversation) ? &conversation.tools : nullptr,
                            .documents = conversation.documents,
                            .variables = &conversation.variables,
                            .add_generation_prompt = conversation.begin_answer && !conversation.continue_last,
                            .continue_field = conversation.continue_last ? "content" : "",
                            .clock = time ? clock_of(*time) : text::jinja::local_clock()};
  options.limits.seconds = kRenderSeconds;
  return options;
}

const text::ChatTemplate& require(const text::ChatTemplate* chat_template) {
  if (chat_template == nullptr) refuse("this model has no chat template and cannot chat", "messages");
  return *chat_template;
}

void check_tools(Conversation& conversation, const ChatModel& model) {
  check_tool_choice(conversation.tool_choice, conversation.tools);
  if (!has_tools(conversation)) return;
  if (!mentions(model, "tools", conversation))
    refuse("tools: the chat template of the model \"" + excerpt(model.id) + "\" knows no tools", "tools",
           "unsupported_parameter");
  if (model.forms.calls == nullptr)
    conversation.warnings.emplace_back(
        "tools: how this model writes calls is not known to this server; they come as text (see tool_parser)");
}

/// "none" asks for an answer without reasoning; other efforts are what the template makes of them.
void ask_for_effort(Conversation& conversation, const ChatModel& model) {
  const std::string& effort = conversation.effort;
  if (effort.empty()) return;
  const bool heard = mentions(model, "reasoning_effort", conversation);
  if (effort == "none") conversation.reasons = false;
  if (!heard && effort != "none")
    conversation.warnings.emplace_back("reasoning_effort: the model's chat template does not read it");
  if (!heard) return;
  if (!conversation.variables.is_object()) conversation.variables = Json::object();
  if (!conversation.variables.contains("reasoning_effort")) conversation.variables["reasoning_effort"] = effort;
}

/// Asks the template for reasoning or for none, in its own words. What the client says to it itself goes first.
void ask_to_reason(Conversation& conversation, const ChatModel& model) {
  if (!conversation.reasons) return;
  const bool reasons = *conversation.reasons;
  const text::ReasoningForm* form = model.forms.reasoning;
  if (form == nullptr) {
    if (reasons) conversation.warnings.emplace_back("reasoning: this model is not known to reason");
    return;
  }
  if (!conversation.variables.is_object()) conversation.variables = Json::object();
  const Json asked = parse_json(reasons ? form->with : form->without, form->name).value();
  bool heard = false;
  for (const auto& [name, value] : asked.items()) {
    heard |= mentions(model, name, conversation);
    if (!conversation.variables.contains(name)) conversation.variables[name] = value;
  }
  if (!reasons && !heard)
    conversation.warnings.emplace_back("reasoning: this model's chat template cannot do without it");
}

text::AnswerReading reading_of(const Conversation& conversation, const ChatModel& model, const std::string& text) {
  text::AnswerReading reading{.forms = model.forms, .one_call = conversation.one_call};
  if (has_tools(conversation))
    reading.tools = std::make_shared<text::ToolSet>(conversation.tools);
  else
    reading.forms.calls = nullptr;
  if (model.time && has_tools(conversation)) reading.tools_sha256 = sha256_hex(conversation.tools.dump());
  if (model.forms.reasoning == nullptr) return reading;
  const Json& last = conversation.messages.back();
  const bool continues = conversation.continue_last && last["content"].is_string();
  reading.in_reasoning = text::opens_reasoning(
      *model.forms.reasoning, continues ? last["content"].get_ref<const std::string&>() : text, continues);
  return reading;
}

}  // namespace

bool mentions(const ChatModel& model, std::string_view word, const Conversation& conversation) {
  return require(model.chat_template).mentions(word, options_of(conversation));
}

ChatPrompt chat_prompt(Conversation conversation, const ChatModel& model) {
  const text::ChatTemplate& chat_template = require(model.chat_template);
  check_tools(conversation, model);
  ask_for_effort(conversation, model);
  ask_to_reason(conversation, model);
  complete_tool_messages(conversation.messages, model.forms.calls == nullptr ? 0 : model.forms.calls->id_characters);
  const text::ChatOptions options = options_of(conversation, model.time);
  if (options.documents != nullptr && !chat_template.mentions("documents", options))
    conversation.warnings.emplace_back("documents: the model's chat template does not show them to the model");
  const text::RenderedChat rendered = render(chat_template, conversation.messages, options);
  ChatPrompt prompt{.tokens = text::encode_chat(*model.tokenizer, rendered).ids, .text = rendered.text()};
  prompt.reading = reading_of(conversation, model, prompt.text);
  prompt.warnings = std::move(conversation.warnings);
  prompt.constraint = call_constraint(conversation, model, prompt.reading);
  if (prompt.tokens.empty()) refuse("messages: the chat template makes an empty text of them", "messages");
  return prompt;
}

}  // namespace maru::serving
