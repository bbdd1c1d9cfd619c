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
      // Logits of a prompt are wanted of its last token alone; behind it come single tokens, with guesses behind them.
      const bool prompt = s.first_logits_row > 0 || s.past == 0 || said(s, s.past - 1) < 0;
      for (int64_t row = 0; row < count; ++row) {
        const int64_t position = s.past + row, newest = prompt ? row - s.first_logits_row : said(s, position - 1) + 1;
        said(s, position) = std::max<int64_t>(newest, -1);
        if (row < s.first_logits_row) continue;
        std::vector<float> logits(static_cast<size_t>(vocab_size()));
        const auto at = static_cast<size_t>(newest);
        logits[at < script_.size() ? static_cast<size_t>(script_[at]) : 1] = 50;
        sink({.sequence = i, .row = row, .logits = logits});
      }
    }
  }

 private:
  const text::Tokenizer& tokenizer_;
  std::vector<int32_t> script_;
  /// How much of the script has been said behind a token; -1: it is one of the prompt's.
  int64_t& said(const StepSequence& s, int64_t position) {
    const PageId page = s.pages[static_cast<size_t>(position / page_tokens())];
    return said_[page * page_tokens() + position % page_tokens()];
  }
  std::map<int64_t, int64_t> said_;  // by where tokens lie
};

}  // namespace maru::infer
