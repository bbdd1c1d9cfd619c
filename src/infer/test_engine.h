// For tests: an engine of a fake model, and what it answers.
#pragma once
#include <gtest/gtest.h>

#include "infer/engine.h"
#include "infer/fake_model.h"

namespace maru::infer {

struct Answer {
  std::vector<std::string> texts;
  std::vector<std::vector<ScoredToken>> tokens, prompts;
  std::vector<FinishReason> finishes;
  std::vector<int64_t> num_tokens, num_reused;
  std::optional<Error> error;
};

inline Answer read(Generation& generation, int64_t choices = 1) {
  const auto n = static_cast<size_t>(choices);
  Answer answer;
  answer.texts.resize(n);
  answer.tokens.resize(n);
  answer.prompts.resize(n);
  answer.finishes.resize(n);
  answer.num_tokens.resize(n);
  answer.num_reused.resize(n);
  Piece piece;
  for (auto next = generation.wait_next(piece); next != Generation::Next::kEnd; next = generation.wait_next(piece)) {
    if (next == Generation::Next::kFailed) {
      answer.error = generation.error();
      break;
    }
    const auto i = static_cast<size_t>(piece.choice);
    answer.texts[i] += piece.text;
    auto& to = piece.is_prompt ? answer.prompts[i] : answer.tokens[i];
    to.insert(to.end(), piece.tokens.begin(), piece.tokens.end());
    if (!piece.finish) continue;
    answer.finishes[i] = *piece.finish;
    answer.num_tokens[i] = piece.num_tokens;
    answer.num_reused[i] = piece.num_reused;
  }
  return answer;
}

class EngineTest : public ::testing::Test {
 protected:
  text::Tokenizer tokenizer_ = byte_tokenizer();
  FakeModel model_;
  EngineOptions options_{.max_running = 4, .max_waiting = 8, .step_tokens = 24, .end_tokens = {1, 3}};
  std::unique_ptr<Engine> engine_;

  Engine& engine() {
    if (!engine_) engine_ = std::make_unique<Engine>(model_, tokenizer_, options_);
    return *engine_;
  }
  GenerationRequest request(std::string_view prompt, int64_t max_tokens = 40) {
    GenerationRequest request;
    request.prompt = tokenizer_.encode(prompt, {.add_special_tokens = true});
    request.max_tokens = max_tokens;
    request.ignore_eos = true;
    request.seed = 5;
    return request;
  }
  Answer run(GenerationRequest request) {
    const int64_t choices = request.choices;
    return read(*engine().submit(std::move(request)), choices);
  }
  bool idle() {
    for (int i = 0; i < 500; ++i) {
      const EngineStats stats = engine().stats();
      if (stats.running + stats.waiting == 0 && stats.pages_used == 0) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
};

}  // namespace maru::infer
