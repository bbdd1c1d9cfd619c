// The JSON objects of OpenAI's answers: choices, log-probabilities, usage, chunks.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "server/openai_answer.h"

namespace maru::server {

/// A part of one choice, or the whole of it.
struct ChoicePart {
  int64_t index = 0;
  std::string text;
  std::vector<infer::ScoredToken> tokens;
  std::optional<infer::FinishReason> finish;
  size_t text_offset = 0;  // where `text` begins in the choice; for completions' log-probabilities
};

/// {"id", "object", "created", "model", "choices": […]} around one or more choices.
Json envelope(const AnswerInfo& info, bool chunk, Json choices);
Json whole_choice(const AnswerInfo& info, const ChoicePart& part);
/// One choice of a chunk; `opening`: the first of a chat answer, which names the role.
Json chunk_choice(const AnswerInfo& info, const ChoicePart& part, bool opening = false);
Json usage_json(int64_t prompt_tokens, int64_t completion_tokens);
/// JSON text on one line; bytes that are not UTF-8 become U+FFFD.
std::string to_line(const Json& json);

}  // namespace maru::server
