// The JSON objects of OpenAI's answers: choices, log-probabilities, usage, chunks.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "api/openai/answer.h"
#include "base/json.h"

namespace maru::api::openai {

/// Where tokens begin in a text, in characters (code points). One that begins inside of a character begins with it.
class TextOffset {
 public:
  int64_t characters() const { return whole_; }
  void pass(std::string_view bytes);

 private:
  int64_t whole_ = 0;
  int missing_ = 0;  // bytes of a character that has begun
};

/// A part of one choice, or the whole of it.
struct ChoicePart {
  int64_t index = 0;
  std::string text;                       // of a completion; of a chat what is before the answer
  std::vector<text::AnswerEvent> events;  // of a chat
  std::vector<infer::ScoredToken> tokens;
  std::vector<int64_t> offsets;  // of the tokens in the text of the whole choice, in characters
  std::vector<int32_t> ids;      // of the same tokens and the one that ended it, with info.token_ids
  std::vector<infer::ScoredToken> prompt_scores;
  std::optional<infer::FinishReason> finish;
  bool called = false;  // with finish: tools are called
};

/// Moves a piece's tokens into `part`; `offset` is where the first of them begins, then where the last one ended.
void append_tokens(const AnswerInfo& info, serving::AnswerPiece& piece, TextOffset& offset, ChoicePart& part);
/// A token's bytes as text: themselves, or "bytes:\xEA\xB0" for a part of a character.
std::string shown_token(std::string_view bytes);
/// A chat's log-probabilities of tokens: [{"token", "logprob", "bytes", "top_logprobs"}].
Json token_logprobs(const AnswerInfo& info, const std::vector<infer::ScoredToken>& tokens);
/// The token as log-probabilities show it.
std::string name_of_token(const AnswerInfo& info, int32_t token);
/// "warnings": what was done otherwise than it was asked for; nothing where there is none.
void add_warnings(const AnswerInfo& info, Json& body);

/// {"id", "object", "created", "model", "choices": […]} around one or more choices.
Json envelope(const AnswerInfo& info, bool chunk, Json choices);
/// What is said of prompts: beside the choices of a chat, in each choice of completions. `prompt`: which.
void add_prompt(const AnswerInfo& info, size_t prompt, const std::vector<infer::ScoredToken>& scores, Json& to);
Json whole_choice(const AnswerInfo& info, const ChoicePart& part);
/// One choice of a chunk, with at most one event; `opening`: the first of a chat answer, which names the role.
Json chunk_choice(const AnswerInfo& info, const ChoicePart& part, bool opening = false);
/// `cached_tokens`: of the prompt, computed before; said where there are some.
Json usage_json(int64_t prompt_tokens, int64_t completion_tokens, int64_t cached_tokens);

}  // namespace maru::api::openai
