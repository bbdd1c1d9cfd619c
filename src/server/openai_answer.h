// Answers in OpenAI's form, whole or as server-sent events, from pieces of one or several generations.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "infer/generation.h"
#include "server/http.h"
#include "text/tokenizer/tokenizer.h"

namespace maru::server {

/// What every object of one answer carries, and how to write it.
struct AnswerInfo {
  bool chat = false;  // else the older completions endpoint
  std::string id, model;
  int64_t created = 0;  // seconds since 1970
  const text::Tokenizer* tokenizer = nullptr;
  bool logprobs = false;
  bool usage = false, usage_always = false;  // streams: in a last chunk, in every chunk
  int64_t choices_per_prompt = 1;
  int64_t prompt_tokens = 0;
  std::vector<std::string> echo;       // per prompt
  std::vector<std::string> warnings;   // in the whole answer, or in a stream's first chunk
  std::shared_ptr<const void> places;  // what the answer holds while it lasts
};

/// The generations behind one answer; the choices of prompt p are [p · choices_per_prompt, …).
using Generations = std::vector<std::unique_ptr<infer::Generation>>;

std::unique_ptr<Pending> whole_answer(AnswerInfo info, Generations generations);
std::unique_ptr<EventStream> streamed_answer(AnswerInfo info, Generations generations);

}  // namespace maru::server
