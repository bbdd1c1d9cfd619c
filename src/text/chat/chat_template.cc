#include "text/chat/chat_template.h"

#include <algorithm>
#include <array>

#include "base/json_node.h"
#include "text/chat/chat_files.h"
#include "text/chat/chat_learned.h"

namespace maru::text {
namespace {

using jinja::MarkedText;

constexpr std::string_view kStart = "<|im_start|>", kEnd = "<|im_end|>";
// Values of "role" that templates make markup of: '<|' + message.role + '|>'.
constexpr std::array<std::string_view, 12> kOwnRoles{"system",      "developer", "user",      "assistant",
                                                     "tool",        "function",  "ipython",   "model",
                                                     "environment", "document",  "documents", "context"};
constexpr std::string_view kContinueTag = "CONTINUE_FINAL_MESSAGE_TAG ";

// What a message holds, and its end. Where tools are called there may be no content; a call may come without the object
// around it, and its arguments as JSON text.
constexpr std::string_view kChatmlBody =
    "{% if message['content'] or not message['tool_calls'] %}{{ '' + message['content'] }}{% endif %}"
    "{% for call in message['tool_calls'] or [] %}"
    "{% set called = call['function'] or call %}{% set arguments = called['arguments'] or {} %}"
    "{{ '\\n' if message['content'] or not loop.first else '' }}"
    "{{ '<tool_call>{\"name\": ' + (called['name'] | tojson) + ', \"arguments\": ' }}"
    "{{ arguments if arguments is string else arguments | tojson }}{{ '}</tool_call>' }}"
    "{% endfor %}{{ '<|im_end|>' }}";
constexpr std::string_view kChatmlTools =
    "{% if tools %}{{ '<|im_start|>system\\n' }}"
    "{% if messages and messages[0]['role'] == 'system' %}{{ messages[0]['content'] + '\\n\\n' }}{% endif %}"
    "{{ 'Functions that can be called, one per line:\\n' }}{% for tool in tools %}{{ tool | tojson + '\\n' }}"
    "{% endfor %}{{ 'A line <tool_call>{\"name\": NAME, \"arguments\": OBJECT}</tool_call> calls one. '"
    " 'What it returns comes as a message of the role tool.<|im_end|>\\n' }}{% endif %}";

/// `marked`: with what the assistant says inside of {% generation %}, so that a chat is cut into tokens in the same way
/// when the model learns from it and when it is asked.
std::string chatml(bool marked) {
  const std::string body(kChatmlBody);
  const std::string turn = !marked ? body
                                   : "{% if message['role'] == 'assistant' %}{% generation %}" + body +
                                         "{% endgeneration %}{% else %}" + body + "{% endif %}";
  return "{{ bos_token }}" + std::string(kChatmlTools) +
         "{% for message in messages %}{% if not (tools and loop.first and message['role'] == 'system') %}"
         "{{ '<|im_start|>' + message['role'] + '\\n' }}" +
         turn +
         "{{ '\\n' }}{% endif %}{% endfor %}"
         "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
}

std::string chatml_marked() { return chatml(true); }

/// What tokenizers were written with before: the same text where there are no tools, which it did not show.
std::string chatml_without_tools() {
  return "{{ bos_token }}{% for message in messages %}"
         "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
         "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
}

[[noreturn]] void fail(const std::string& message) { throw Failure(ErrorCode::kInvalidArgument, message); }

// What transformers does to messages first: fields that are null are dropped, and reasoning is known by its older
// names.
Json cleaned(const JsonNode& message) {
  JsonNode reasoning = message.object()["reasoning_content"];
  const JsonNode thinking = message["thinking"];
  if (reasoning.is_null()) reasoning = thinking.is_null() ? message["reasoning"] : thinking;
  Json out = Json::object();
  if (!reasoning.is_null()) out["thinking"] = thinking.is_null() ? reasoning.json() : thinking.json();
  for (const auto& [key, value] : message.json().items())
    if (!value.is_null()) out[key] = value;
  if (!reasoning.is_null()) out["reasoning_content"] = reasoning.json();
  return out;
}

Json cleaned_messages(const Json& messages) {
  const JsonNode list(messages, "messages");
  if (!list.is_array()) list.fail("a list of messages");
  Json out = Json::array();
  for (const JsonNode& message : list.elements()) out.push_back(cleaned(message));
  return out;
}

// ChatML takes any role: one that is misspelt would pass unseen.
void require_known_roles(const Json& messages) {
  constexpr std::array<std::string_view, 4> kRoles{"system", "user", "assistant", "tool"};
  for (const JsonNode& message : JsonNode(messages, "messages").elements()) {
    const JsonNode role = message["role"];
    if (std::find(kRoles.begin(), kRoles.end(), role.json()) == kRoles.end())
      role.fail("system, user, assistant or tool");
  }
}

bool is_assistant(const Json& message) {
  const auto role = message.find("role");
  return role != message.end() && role->is_string() && role->get_ref<const std::string&>() == "assistant";
}

/// The text that is to be continued: `field` of the last message, or the last text part in it.
std::string& open_text(Json& messages, const std::string& field) {
  if (messages.empty()) fail("messages: expected a message to continue");
  Json& last = messages.back();
  const auto it = last.find(field);
  if (it == last.end()) fail("messages: the last message has no \"" + field + "\" to continue");
  if (it->is_string()) return it->get_ref<std::string&>();
  if (it->is_array())
    for (auto part = it->rbegin(); part != it->rend(); ++part)
      if (part->is_object() && part->contains("text") && (*part)["text"].is_string())
        return (*part)["text"].get_ref<std::string&>();
  fail("messages: the last message's \"" + field + "\" holds no text to continue");
}

// Source: transformers, render_jinja_template.
MarkedText cut_at_tag(const MarkedText& text) {
  const std::string_view word = kContinueTag.substr(0, kContinueTag.size() - 1);
  const size_t at = text.bytes.rfind(word);
  if (at == std::string::npos) fail("the chat template leaves out the message that is to be continued");
  if (text.bytes.compare(at, kContinueTag.size(), kContinueTag) == 0) return text.slice(0, at);
  size_t end = at;  // the template trims: so do we
  while (end > 0 && std::string_view(" \n\r\t\v\f").find(text.bytes[end - 1]) != std::string_view::npos) --end;
  return text.slice(0, end);
}

RenderedChat to_segments(const MarkedText& text) {
  std::vector<size_t> cuts{0, text.size()};
  for (const auto* ranges : {&text.input, &text.generated})
    for (const auto& [begin, end] : ranges->list()) cuts.push_back(begin), cuts.push_back(end);
  std::sort(cuts.begin(), cuts.end());
  RenderedChat chat;
  for (size_t i = 0; i + 1 < cuts.size(); ++i) {
    const size_t begin = cuts[i], end = cuts[i + 1];
    if (begin < end)
      chat.segments.push_back(
          {text.bytes.substr(begin, end - begin), !text.input.touches(begin, end), text.generated.touches(begin, end)});
  }
  return chat;
}

}  // namespace

std::string RenderedChat::text() const {
  std::string all;
  for (const ChatSegment& segment : segments) all += segment.text;
  return all;
}

ChatTemplate::ChatTemplate(SpecialTokens tokens) : tokens_(std::move(tokens)) {}

// Errors of loading name the file; those of renders go to clients, who are not told where it lies.
void ChatTemplate::add(std::string_view name, std::string_view source, std::string_view place) {
  const bool is_chatml = source == chatml_jinja() || source == chatml_without_tools();
  const std::string text = is_chatml ? chatml_jinja() : std::string(source);
  const std::string_view shown = place.substr(place.rfind('/') + 1);
  auto parsed = jinja::Template::parse(is_chatml ? chatml_marked() : text, place, shown);
  if (sources_.empty()) is_chatml_ = is_chatml;
  sources_.push_back({std::string(name), text, std::move(parsed).value()});
}

Result<ChatTemplate> ChatTemplate::create(std::string_view source, SpecialTokens tokens, std::string_view name) {
  return create({{"default", std::string(source), std::string(name)}}, std::move(tokens));
}

Result<ChatTemplate> ChatTemplate::create(const std::vector<NamedTemplate>& templates, SpecialTokens tokens) {
  CHECK(!templates.empty());
  try {
    ChatTemplate chat(std::move(tokens));
    for (const NamedTemplate& t : templates) chat.add(t.name, t.source, t.place);
    return chat;
  } catch (const Failure& failure) {
    return failure.error();
  }
}

std::optional<ChatTemplate> ChatTemplate::load(const fs::path& directory, const Tokenizer& tokenizer) {
  const fs::path folder = fs::is_directory(directory) ? directory : directory.parent_path();
  std::vector<NamedTemplate> templates = read_chat_templates(folder);
  if (templates.empty() && (!tokenizer.id_of(kStart) || !tokenizer.id_of(kEnd))) return std::nullopt;
  if (templates.empty()) templates.push_back({"default", chatml_jinja(), "ChatML"});
  return create(templates, read_special_tokens(folder, tokenizer)).value();
}

ChatTemplate ChatTemplate::chatml(const Tokenizer& tokenizer) {
  for (const std::string_view token : {kStart, kEnd}) {
    const auto id = tokenizer.id_of(token);
    if (!id || !tokenizer.is_special(*id))
      fail("the tokenizer has no special token " + std::string(token) + ", which the chat template needs");
  }
  SpecialTokens tokens;
  if (const auto bos = tokenizer.bos()) tokens.emplace_back("bos_token", std::string(tokenizer.spelling_of(*bos)));
  return create(chatml_jinja(), std::move(tokens), "ChatML").value();
}

const ChatTemplate::Source& ChatTemplate::choose(const ChatOptions& options) const {
  const auto named = [&](std::string_view name) {
    return std::find_if(sources_.begin(), sources_.end(), [&](const Source& s) { return s.name == name; });
  };
  const bool tools = options.tools != nullptr && !options.tools->is_null();
  if (const auto it = named("tool_use"); tools && it != sources_.end()) return *it;
  if (const auto it = named("default"); it != sources_.end()) return *it;
  if (sources_.size() > 1) fail("the tokenizer has several chat templates, and none is called \"default\"");
  return sources_.front();
}

bool ChatTemplate::mentions(std::string_view word, const ChatOptions& options) const {
  return choose(options).text.find(word) != std::string::npos;
}

bool ChatTemplate::mentions(std::string_view word) const {
  return std::any_of(sources_.begin(), sources_.end(),
                     [&](const Source& source) { return source.text.find(word) != std::string::npos; });
}

MarkedText ChatTemplate::render_once(const Source& source, const Json& messages, const ChatOptions& options,
                                     std::span<const uint8_t> generated) const {
  const Json prompt = options.add_generation_prompt, none;
  std::vector<Json> spellings;
  for (const auto& token : tokens_) spellings.emplace_back(token.second);
  std::vector<jinja::Variable> variables;
  for (size_t i = 0; i < tokens_.size(); ++i) variables.push_back({tokens_[i].first, &spellings[i], true});
  variables.push_back({"messages", &messages, false, generated});
  variables.push_back({"tools", options.tools != nullptr ? options.tools : &none});
  variables.push_back({"documents", options.documents != nullptr ? options.documents : &none});
  variables.push_back({"add_generation_prompt", &prompt});
  if (options.variables != nullptr && options.variables->is_object())
    for (auto it = options.variables->begin(); it != options.variables->end(); ++it)
      variables.push_back({it.key(), &it.value()});
  return source.parsed.render(variables, {.limits = options.limits, .clock = options.clock, .own_roles = kOwnRoles});
}

// Source: for templates without {% generation %}, the difference between a chat that asks and one that has its answer.
MarkedText ChatTemplate::render_learned(const Source& source, const Json& messages, const ChatOptions& options) const {
  MarkedText text = render_once(source, messages, options, {});
  if (source.parsed.marks_generation()) return text;
  ChatOptions ask = options, tell = options;
  ask.add_generation_prompt = true;
  tell.add_generation_prompt = false;
  jinja::Ranges learned;
  Json before = Json::array();
  for (size_t i = 0; i < messages.size(); ++i) {
    std::vector<uint8_t> marked(messages.size());
    marked[i] = 1;
    std::optional<MarkedText> asked;
    if (is_assistant(messages[i])) try {
        asked = render_once(source, before, ask, {});
      } catch (const Failure& failure) {  // templates may refuse a chat that begins with an answer
        if (failure.code() != ErrorCode::kInvalidArgument) throw;
      }
    before.push_back(messages[i]);
    if (!is_assistant(messages[i])) continue;
    const MarkedText told = render_once(source, before, tell, marked);
    const auto range = learned_range(asked ? &*asked : nullptr, told, render_once(source, messages, options, marked));
    if (range) learned.add(range->first, range->second);
  }
  text.generated = learned;
  return text;
}

RenderedChat ChatTemplate::render(const Json& messages, const ChatOptions& options) const {
  const Source& source = choose(options);
  Json chat = cleaned_messages(messages);
  if (is_chatml_) require_known_roles(chat);
  const bool opens = !options.continue_field.empty();
  if (opens && options.add_generation_prompt) fail("a chat is continued or asked for an answer, not both");
  if (opens && options.mark_learned) fail("a chat that is continued cannot say what is learned");
  if (opens) open_text(chat, options.continue_field) += kContinueTag;
  if (options.mark_learned) return to_segments(render_learned(source, chat, options));
  const MarkedText text = render_once(source, chat, options, {});
  return to_segments(opens ? cut_at_tag(text) : text);
}

std::string chatml_jinja() { return chatml(false); }

EncodedChat encode_chat(TokenEncoder& encoder, const RenderedChat& chat) {
  EncodedChat encoded;
  for (size_t i = 0; i < chat.segments.size();) {
    const bool learned = chat.segments[i].learned;
    std::string text;
    std::vector<ByteRange> input;
    for (; i < chat.segments.size() && chat.segments[i].learned == learned; ++i) {
      const size_t begin = text.size();
      text += chat.segments[i].text;
      if (!chat.segments[i].own) input.push_back({begin, text.size()});
    }
    encoder.encode_guarded(text, input, encoded.ids);
    encoded.learned.resize(encoded.ids.size(), learned ? 1 : 0);
  }
  return encoded;
}

EncodedChat encode_chat(const Tokenizer& tokenizer, const RenderedChat& chat) {
  TokenEncoder encoder(tokenizer, 0);
  return encode_chat(encoder, chat);
}

}  // namespace maru::text
