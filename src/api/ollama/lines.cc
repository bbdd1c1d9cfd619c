#include "api/ollama/lines.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace maru::api::ollama {
namespace {

using Nanoseconds = std::chrono::nanoseconds;

/// Clients divide by it.
int64_t nanoseconds(AnswerInfo::Clock::time_point from, AnswerInfo::Clock::time_point to) {
  return std::max<int64_t>(1, std::chrono::duration_cast<Nanoseconds>(to - from).count());
}

Json arguments_of(const std::string& text) {
  Result<Json> parsed = parse_json(text, "arguments");
  if (parsed && parsed->is_object()) return std::move(*parsed);
  return {{"INVALID_JSON", text}};
}

Json token_json(const text::Tokenizer& tokenizer, int32_t token, float logprob) {
  const std::string bytes(tokenizer.contains(token) ? tokenizer.bytes_of(token) : std::string_view());
  Json list = Json::array();
  for (const char c : bytes) list.push_back(static_cast<unsigned char>(c));
  return {{"token", bytes}, {"logprob", logprob}, {"bytes", std::move(list)}};
}

Json logprobs_of(const std::vector<infer::ScoredToken>& tokens, const text::Tokenizer& tokenizer) {
  Json list = Json::array();
  for (const infer::ScoredToken& scored : tokens) {
    Json entry = token_json(tokenizer, scored.token, scored.logprob.value_or(0));
    Json& top = entry["top_logprobs"] = Json::array();
    for (const infer::TokenLogprob& other : scored.top)
      top.push_back(token_json(tokenizer, other.token, other.logprob));
    list.push_back(std::move(entry));
  }
  return list;
}

Json opening(const std::string& model) {
  return {{"model", model}, {"created_at", time_text(std::chrono::system_clock::now())}};
}

void add_said(const AnswerInfo& info, Said said, Json& line) {
  Json message{{"role", "assistant"}};
  Json& to = info.chat ? message : line;
  to[info.chat ? "content" : "response"] = std::move(said.text);
  if (!said.thinking.empty()) to["thinking"] = std::move(said.thinking);
  if (!said.calls.empty()) to["tool_calls"] = std::move(said.calls);
  if (info.chat) line["message"] = std::move(message);
}

void add_context(const AnswerInfo& info, const text::Tokenizer& tokenizer, const std::string& text, Json& line) {
  if (!info.keeps_context) return;
  std::vector<int32_t> all = info.context;
  for (const auto& more : {tokenizer.encode(text), info.closing}) all.insert(all.end(), more.begin(), more.end());
  line["context"] = std::move(all);
}

}  // namespace

void Listener::add(const text::AnswerEvent& event) {
  using Kind = text::AnswerEvent::Kind;
  switch (event.kind) {
    case Kind::kText: said_.text += event.text; break;
    case Kind::kReasoning:
      if (thinking_) said_.thinking += event.text;
      break;
    case Kind::kCallBegin: id_ = event.id, name_ = event.text, arguments_.clear(); break;
    case Kind::kArguments: arguments_ += event.text; break;
    case Kind::kCallEnd: {
      Json function{{"index", event.call}, {"name", name_}, {"arguments", arguments_of(arguments_)}};
      said_.calls.push_back({{"id", id_}, {"function", std::move(function)}});
      break;
    }
  }
}

void Listener::add(serving::AnswerPiece& piece) {
  for (const text::AnswerEvent& event : piece.events) add(event);
  std::move(piece.tokens.begin(), piece.tokens.end(), std::back_inserter(said_.tokens));
}

std::string time_text(std::chrono::system_clock::time_point time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:09}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                     std::chrono::duration_cast<Nanoseconds>(time - seconds).count());
}

Json line_of(const AnswerInfo& info, Said said, const text::Tokenizer& tokenizer) {
  Json line = opening(info.model);
  if (info.logprobs && !said.tokens.empty()) line["logprobs"] = logprobs_of(said.tokens, tokenizer);
  add_said(info, std::move(said), line);
  line["done"] = false;
  return line;
}

Json last_line(const AnswerInfo& info, Said said, const serving::Answer& answer, const serving::AnswerPiece& last,
               const std::string& answer_text) {
  CHECK(last.finish.has_value());
  const text::Tokenizer& tokenizer = answer.model().tokenizer();
  Json line = line_of(info, std::move(said), tokenizer);
  const infer::ChoiceTimes& times = last.times;
  line["done"] = true;
  line["done_reason"] = infer::name_of(*last.finish);
  line["total_duration"] = nanoseconds(info.begin, AnswerInfo::Clock::now());
  line["load_duration"] = 0;
  line["prompt_eval_count"] = answer.prompt_tokens();
  line["prompt_eval_duration"] = nanoseconds(times.started, times.first_token);
  line["eval_count"] = last.num_tokens;
  line["eval_duration"] = nanoseconds(times.first_token, times.ended);
  add_context(info, tokenizer, answer_text, line);
  if (Json receipt = answer.receipt(); !receipt.is_null()) line["receipt"] = std::move(receipt);
  return line;
}

Json loaded_line(bool chat, const std::string& model) {
  Json line = opening(model);
  add_said({.chat = chat}, {}, line);
  line["done"] = true;
  line["done_reason"] = "load";
  return line;
}

}  // namespace maru::api::ollama
