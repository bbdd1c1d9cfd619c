// What the engine keeps of each choice; its own.
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "infer/engine.h"
#include "infer/ngram_drafter.h"

namespace maru::infer {

struct Engine::Active {
  std::shared_ptr<const GenerationRequest> request;
  std::shared_ptr<Channel> channel;
  int64_t choice;
  Sampler sampler;
  std::vector<int32_t> end_tokens = {};
  GrammarProcessor* grammar;  // the sampler's; null: the answer is free
  NgramDrafter drafter;
  AnswerText text;
  std::function<bool(std::string_view)> is_over = {};  // told of the text; empty: it ends nothing
  Clock::time_point last_time;
  ChoiceTimes times = {};
  std::vector<ScoredToken> prompt_scores;
  int64_t num_scored = 0;  // rows of the prompt whose logits have scored the token behind them
  int64_t generated = 0;
  int64_t forced_misses = 0;         // in a row
  std::vector<int32_t> drafts = {};  // proposed for this step
  enum class By : uint8_t { kText, kGrammar, kModel } drafted_by = By::kText;
  std::vector<int32_t> step_tokens = {};                                    // of a chunk with drafts
  int64_t num_left() const { return request->max_tokens - generated - 1; }  // to guess: the last one is sampled
  int64_t num_to_score() const { return request->score_prompt ? static_cast<int64_t>(request->prompt.size()) - 1 : 0; }
};

struct Engine::ChunkOutcome {
  std::vector<ScoredToken> tokens;  // sampled: one, and one more behind each draft that was right
  std::optional<Error> error;
};

}  // namespace maru::infer
