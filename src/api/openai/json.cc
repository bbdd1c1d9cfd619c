#include "api/openai/json.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.h"


namespace maru::api::openai {

using infer::ScoredToken;

namespace {

std::string bytes_of(const AnswerInfo& info, int32_t token) {
  const text::Tokenizer& tokenizer = *info.tokenizer;
  return tokenizer.contains(token) ? std::string(tokenizer.bytes_of(token)) : std::string();
}

Json byte_list(const std::string& bytes) {
  Json list = Json::array();
  for (const char c : bytes) list.push_back(static_cast<unsigned char>(c));
  return list;
}

Json chat_token(const AnswerInfo& info, int32_t token, float logprob) {
  return {{"token", name_of_token(info, token)}, {"logprob", logprob}, {"bytes", byte_list(bytes_of(info, token))}};
}

Json completion_top(const AnswerInfo& info, const ScoredToken& scored) {
  if (!scored.logprob) return nullptr;
  Json top = Json::object();
  for (const infer::TokenLogprob& other : scored.top)  // the likeliest first; others may be spelt as it is
    if (std::string token = name_of_token(info, other.token); !top.contains(token))
      top[std::move(token)] = other.logprob;
  return top;
}

/// The older form: parallel lists.
Json completion_logprobs(const AnswerInfo& info, const ChoicePart& part) {
  Json tokens = Json::array(), logprobs = Json::array(), tops = Json::array(), offsets = Json::array();
  for (const int64_t offset : part.offsets) offsets.push_back(offset);
  for (const ScoredToken& scored : part.tokens) {
    tokens.push_back(name_of_token(info, scored.token));
    logprobs.push_back(scored.logprob ? Json(*scored.logprob) : Json(nullptr));
    tops.push_back(completion_top(info, scored));
  }
  return {{"tokens", std::move(tokens)},
          {"token_logprobs", std::move(logprobs)},
          {"top_logprobs", std::move(tops)},
          {"text_offset", std::move(offsets)}};
}

Json logprobs_of(const AnswerInfo& info, const ChoicePart& part) {
  if (!info.logprobs) return nullptr;
  return info.chat ? Json{{"content", token_logprobs(info, part.tokens)}, {"refusal", nullptr}}
                   : completion_logprobs(info, part);
}

Json finish_of(const ChoicePart& part) {
  if (part.finish && part.called) return "tool_calls";
  return part.finish ? Json(std::string(infer::name_of(*part.finish))) : Json(nullptr);
}

/// vLLM's form: of each token of the prompt, the token's own and those of the likeliest by their ids.
Json prompt_logprobs(const AnswerInfo& info, const std::vector<ScoredToken>& scores) {
  Json list = Json::array();
  const auto entry = [&](int32_t token, float logprob, int64_t rank) {
    return Json{{"logprob", logprob}, {"rank", rank}, {"decoded_token", name_of_token(info, token)}};
  };
  for (const ScoredToken& scored : scores) {
    Json& one = list.emplace_back(nullptr);
    if (!scored.logprob) continue;
    one = Json{{std::to_string(scored.token), entry(scored.token, *scored.logprob, scored.rank)}};
    const int64_t count = std::min<int64_t>(info.prompt_top, std::ssize(scored.top));
    for (int64_t i = 0; i < count; ++i) {
      const infer::TokenLogprob& other = scored.top[static_cast<size_t>(i)];
      if (other.token != scored.token) one[std::to_string(other.token)] = entry(other.token, other.logprob, i + 1);
    }
  }
  return list;
}

Json completion_choice(const AnswerInfo& info, const ChoicePart& part) {
  return {{"index", part.index},
          {"text", part.text},
          {"logprobs", logprobs_of(info, part)},
          {"finish_reason", finish_of(part)}};
}

/// Under both names that it goes by.
void add_reasoning(const std::string& text, Json& to) {
  if (text.empty()) return;
  to["reasoning"] = text;
  to["reasoning_content"] = text;
}

/// {"role", "content", "reasoning", "tool_calls"} of all that was said.
Json message_of(const AnswerInfo& info, const ChoicePart& part) {
  using Kind = text::AnswerEvent::Kind;
  std::string text = part.text, reasoning;
  Json calls = Json::array();
  for (const text::AnswerEvent& event : part.events) switch (event.kind) {
      case Kind::kText: text += event.text; break;
      case Kind::kReasoning: reasoning += event.text; break;
      case Kind::kCallBegin:
        calls.push_back(
            {{"id", event.id}, {"type", "function"}, {"function", {{"name", event.text}, {"arguments", ""}}}});
        break;
      case Kind::kArguments: calls[event.call]["function"]["arguments"].get_ref<std::string&>() += event.text; break;
      case Kind::kCallEnd: break;
    }
  const bool silent = text.empty() && (!calls.empty() || !reasoning.empty());
  Json message{{"role", "assistant"}, {"content", silent ? Json(nullptr) : Json(text)}, {"refusal", nullptr}};
  if (info.reasoning) add_reasoning(reasoning, message);
  if (!calls.empty()) message["tool_calls"] = std::move(calls);
  return message;
}

void add_event(const AnswerInfo& info, const text::AnswerEvent& event, Json& delta) {
  using Kind = text::AnswerEvent::Kind;
  switch (event.kind) {
    case Kind::kText: delta["content"] = event.text; break;
    case Kind::kReasoning:
      if (info.reasoning) add_reasoning(event.text, delta);
      break;
    case Kind::kCallBegin:
      delta["tool_calls"] = Json::array({{{"index", event.call},
                                          {"id", event.id},
                                          {"type", "function"},
                                          {"function", {{"name", event.text}, {"arguments", ""}}}}});
      break;
    case Kind::kArguments:
      delta["tool_calls"] = Json::array({{{"index", event.call}, {"function", {{"arguments", event.text}}}}});
      break;
    case Kind::kCallEnd: break;
  }
}

}  // namespace

void TextOffset::pass(std::string_view bytes) {
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    if ((byte & 0xC0) == 0x80 && missing_ > 0) {
      whole_ += --missing_ == 0 ? 1 : 0;
      continue;
    }
    if (missing_ > 0) ++whole_;  // cut short: shown as U+FFFD
    missing_ = byte >= 0xF0 ? 3 : byte >= 0xE0 ? 2 : byte >= 0xC0 ? 1 : 0;
    if (missing_ == 0) ++whole_;
  }
}

void append_tokens(const AnswerInfo& info, serving::AnswerPiece& piece, TextOffset& offset, ChoicePart& part) {
  if (piece.is_prompt && info.prompt_top >= 0) part.prompt_scores = piece.tokens;
  if (piece.is_prompt && info.echo_top < 0) return;
  for (ScoredToken& scored : piece.tokens) {
    if (info.token_ids && !piece.is_prompt) part.ids.push_back(scored.token);
    if (!info.logprobs) continue;
    if (piece.is_prompt && std::ssize(scored.top) > info.echo_top)
      scored.top.resize(static_cast<size_t>(info.echo_top));
    part.offsets.push_back(offset.characters());
    if (!info.tokenizer->is_special(scored.token)) offset.pass(bytes_of(info, scored.token));
    part.tokens.push_back(std::move(scored));
  }
  if (info.token_ids && piece.end_token) part.ids.push_back(*piece.end_token);
}

Json token_logprobs(const AnswerInfo& info, const std::vector<ScoredToken>& tokens) {
  Json content = Json::array();
  for (const ScoredToken& scored : tokens) {
    Json entry = chat_token(info, scored.token, scored.logprob.value_or(0));
    Json& top = entry["top_logprobs"] = Json::array();
    for (const infer::TokenLogprob& other : scored.top) top.push_back(chat_token(info, other.token, other.logprob));
    content.push_back(std::move(entry));
  }
  return content;
}

std::string name_of_token(const AnswerInfo& info, int32_t token) {
  return info.tokens_as_ids ? "token_id:" + std::to_string(token) : shown_token(bytes_of(info, token));
}

std::string shown_token(std::string_view bytes) {
  if (is_valid_utf8(bytes)) return std::string(bytes);
  std::string shown = "bytes:";
  for (const char c : bytes) {
    const bool plain = c >= 0x20 && c < 0x7f && c != '\\';
    shown += plain ? std::string(1, c) : fmt::format("\\x{:02X}", static_cast<uint8_t>(c));
  }
  return shown;
}

void add_warnings(const AnswerInfo& info, Json& body) {
  if (!info.warnings.empty()) body["warnings"] = info.warnings;
}

Json envelope(const AnswerInfo& info, bool chunk, Json choices) {
  const std::string object = !info.chat ? "text_completion" : chunk ? "chat.completion.chunk" : "chat.completion";
  return {{"id", info.id},
          {"object", object},
          {"created", info.created},
          {"model", info.model},
          {"system_fingerprint", info.fingerprint.empty() ? Json(nullptr) : Json(info.fingerprint)},
          {"choices", std::move(choices)}};
}

void add_prompt(const AnswerInfo& info, size_t prompt, const std::vector<ScoredToken>& scores, Json& to) {
  if (info.prompt_top >= 0) to["prompt_logprobs"] = prompt_logprobs(info, scores);
  if (info.token_ids) to["prompt_token_ids"] = info.prompts.at(prompt);
  if (info.prompt_text) to["prompt_text"] = *info.prompt_text;
}

Json whole_choice(const AnswerInfo& info, const ChoicePart& part) {
  Json choice = info.chat ? Json{{"index", part.index},
                                 {"message", message_of(info, part)},
                                 {"logprobs", logprobs_of(info, part)},
                                 {"finish_reason", finish_of(part)}}
                          : completion_choice(info, part);
  if (info.token_ids) choice["token_ids"] = part.ids;
  return choice;
}

namespace {

Json chat_chunk(const AnswerInfo& info, const ChoicePart& part, bool opening) {
  Json delta = Json::object();
  if (opening) delta["role"] = "assistant";
  if (opening) delta["content"] = part.text;
  for (const text::AnswerEvent& event : part.events) add_event(info, event, delta);
  const bool scored = info.logprobs && !part.tokens.empty();
  return {
      {"index", part.index},
      {"delta", std::move(delta)},
      {"logprobs", scored ? Json{{"content", token_logprobs(info, part.tokens)}, {"refusal", nullptr}} : Json(nullptr)},
      {"finish_reason", finish_of(part)}};
}

}  // namespace

Json chunk_choice(const AnswerInfo& info, const ChoicePart& part, bool opening) {
  Json choice = info.chat ? chat_chunk(info, part, opening) : completion_choice(info, part);
  if (info.token_ids) choice["token_ids"] = part.ids.empty() ? Json(nullptr) : Json(part.ids);
  return choice;
}

Json usage_json(int64_t prompt_tokens, int64_t completion_tokens, int64_t cached_tokens) {
  Json usage{{"prompt_tokens", prompt_tokens},
             {"completion_tokens", completion_tokens},
             {"total_tokens", prompt_tokens + completion_tokens}};
  if (cached_tokens > 0) usage["prompt_tokens_details"] = {{"cached_tokens", cached_tokens}};
  return usage;
}

}  // namespace maru::api::openai
