// Answers in OpenAI's form, whole or as server-sent events.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "http/http.h"
#include "serving/answer.h"
#include "text/tokenizer/tokenizer.h"

namespace maru::api::openai {

/// What every object of one answer carries, and how to write it.
struct AnswerInfo {
  bool chat = false;                   // else the older completions endpoint
  std::string id, model, fingerprint;  // fingerprint: empty: none
  int64_t created = 0;                 // seconds since 1970
  const text::Tokenizer* tokenizer = nullptr;
  bool logprobs = false;
  bool reasoning = true;                        // false: the model's reasoning is left out
  bool usage = false, usage_always = false;     // streams: in a last chunk, in every chunk
  std::vector<std::string> echo;                // per prompt
  int64_t echo_top = -1;                        // with the echo, log-probabilities of so many likeliest; -1: none
  int64_t prompt_top = -1;                      // the same, as "prompt_logprobs"
  bool token_ids = false;                       // with the ids of tokens
  bool tokens_as_ids = false;                   // of log-probabilities: "token_id:7"
  std::vector<std::vector<int32_t>> prompts{};  // their tokens, with token_ids
  std::optional<std::string> prompt_text{};     // of a chat, where it is wanted
  std::vector<std::string> warnings;            // in the whole answer, or in a stream's first chunk
};

std::unique_ptr<http::Pending> whole_answer(AnswerInfo info, serving::Answer answer);
std::unique_ptr<http::EventStream> streamed_answer(AnswerInfo info, serving::Answer answer);

}  // namespace maru::api::openai
