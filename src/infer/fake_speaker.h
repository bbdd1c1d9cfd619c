// For tests: a model that says what it is told, whatever it is asked.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "infer/step_model.h"
#include "text/tokenizer/tokenizer.h"

namespace maru::infer {

class FakeSpeaker : public StepModel {
 public:
  /// The tokenizer must be that of the engine, and its token 1 an end.
  explicit FakeSpeaker(const text::Tokenizer& tokenizer) : tokenizer_(tokenizer) {}
  /// Of every answer from now on. Special tokens in it are special.
  void say(const std::string& text) { script_ = tokenizer_.encode(text); }

  int64_t vocab_size() const override { return tokenizer_.vocab_size(); }
  int64_t max_context() const override { return 4096; }
  int64_t num_pages() const override { return 1024; }
  int64_t page_tokens() const override { return 16; }

  void run(std::span<const StepSequence> sequences, const LogitsSink& sink) override {
    for (size_t i = 0; i < sequences.size(); ++i) {
      const StepSequence& s = sequences[i];
      const auto count = static_cast<int64_t>(s.tokens.size());
      if (s.first_logits_row >= count) continue;
      // Logits of a prompt are wanted of its last token alone; behind it come single tokens, with guesses behind them.
      const int64_t first = s.past + s.first_logits_row;
      if (s.first_logits_row > 0 || !begins_.contains(s.pages[0])) begins_[s.pages[0]] = first;
      for (int64_t row = s.first_logits_row; row < count; ++row) {
        const auto said = static_cast<size_t>(s.past + row - begins_[s.pages[0]]);
        std::vector<float> logits(static_cast<size_t>(vocab_size()));
        logits[said < script_.size() ? static_cast<size_t>(script_[said]) : 1] = 50;
        sink({.sequence = i, .row = row, .logits = logits});
      }
    }
  }

 private:
  const text::Tokenizer& tokenizer_;
  std::vector<int32_t> script_;
  std::map<PageId, int64_t> begins_;  // by a sequence's first page: where its prompt ended
};

}  // namespace maru::infer
