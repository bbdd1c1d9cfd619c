#include "server/openai_json.h"

namespace maru::server {
namespace {

using infer::ScoredToken;

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
  const std::string bytes = bytes_of(info, token);
  return {{"token", bytes}, {"logprob", logprob}, {"bytes", byte_list(bytes)}};
}

Json chat_logprobs(const AnswerInfo& info, const std::vector<ScoredToken>& tokens) {
  Json content = Json::array();
  for (const ScoredToken& scored : tokens) {
    Json entry = chat_token(info, scored.token, scored.logprob.value_or(0));
    Json& top = entry["top_logprobs"] = Json::array();
    for (const infer::TokenLogprob& other : scored.top) top.push_back(chat_token(info, other.token, other.logprob));
    content.push_back(std::move(entry));
  }
  return {{"content", std::move(content)}, {"refusal", nullptr}};
}

Json completion_top(const AnswerInfo& info, const ScoredToken& scored) {
  if (!scored.logprob) return nullptr;
  Json top = Json::object();
  for (const infer::TokenLogprob& other : scored.top) top[bytes_of(info, other.token)] = other.logprob;
  return top;
}

/// The older form: parallel lists.
Json completion_logprobs(const AnswerInfo& info, const ChoicePart& part) {
  Json tokens = Json::array(), logprobs = Json::array(), tops = Json::array(), offsets = Json::array();
  size_t offset = part.text_offset;
  for (const ScoredToken& scored : part.tokens) {
    const std::string bytes = bytes_of(info, scored.token);
    tokens.push_back(bytes);
    logprobs.push_back(scored.logprob ? Json(*scored.logprob) : Json(nullptr));
    tops.push_back(completion_top(info, scored));
    offsets.push_back(offset);
    if (!info.tokenizer->is_special(scored.token)) offset += bytes.size();
  }
  return {{"tokens", std::move(tokens)},
          {"token_logprobs", std::move(logprobs)},
          {"top_logprobs", std::move(tops)},
          {"text_offset", std::move(offsets)}};
}

Json logprobs_of(const AnswerInfo& info, const ChoicePart& part) {
  if (!info.logprobs) return nullptr;
  return info.chat ? chat_logprobs(info, part.tokens) : completion_logprobs(info, part);
}

Json finish_of(const ChoicePart& part) {
  return part.finish ? Json(std::string(infer::name_of(*part.finish))) : Json(nullptr);
}

Json completion_choice(const AnswerInfo& info, const ChoicePart& part) {
  return {{"index", part.index},
          {"text", part.text},
          {"logprobs", logprobs_of(info, part)},
          {"finish_reason", finish_of(part)}};
}

}  // namespace

Json envelope(const AnswerInfo& info, bool chunk, Json choices) {
  const std::string object = !info.chat ? "text_completion" : chunk ? "chat.completion.chunk" : "chat.completion";
  return {{"id", info.id},
          {"object", object},
          {"created", info.created},
          {"model", info.model},
          {"system_fingerprint", nullptr},
          {"choices", std::move(choices)}};
}

Json whole_choice(const AnswerInfo& info, const ChoicePart& part) {
  if (!info.chat) return completion_choice(info, part);
  const Json message = {{"role", "assistant"}, {"content", part.text}, {"refusal", nullptr}};
  return {{"index", part.index},
          {"message", message},
          {"logprobs", logprobs_of(info, part)},
          {"finish_reason", finish_of(part)}};
}

Json chunk_choice(const AnswerInfo& info, const ChoicePart& part, bool opening) {
  if (!info.chat) return completion_choice(info, part);
  Json delta = Json::object();
  if (opening) delta["role"] = "assistant";
  if (opening || !part.text.empty()) delta["content"] = part.text;
  const bool scored = info.logprobs && !part.tokens.empty();
  return {{"index", part.index},
          {"delta", std::move(delta)},
          {"logprobs", scored ? chat_logprobs(info, part.tokens) : Json(nullptr)},
          {"finish_reason", finish_of(part)}};
}

Json usage_json(int64_t prompt_tokens, int64_t completion_tokens) {
  return {{"prompt_tokens", prompt_tokens},
          {"completion_tokens", completion_tokens},
          {"total_tokens", prompt_tokens + completion_tokens}};
}

std::string to_line(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace maru::server
