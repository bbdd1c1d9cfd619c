// For tests: a tokenizer of single bytes, and a model whose next token depends on every token before it, read back from
// the pages, so that a page mixed up or written twice changes the text.
#pragma once
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "infer/step_model.h"
#include "text/tokenizer/tokenizer.h"

namespace maru::infer {

/// Five special tokens as in every tokenizer of ours, then the 256 bytes.
inline text::Tokenizer byte_tokenizer() {
  text::TokenizerSpec spec = text::byte_level_spec({});
  const char* specials[] = {"<|begin_of_text|>", "<|end_of_text|>", "<|im_start|>", "<|im_end|>", "<|pad|>"};
  for (int32_t i = 0; i < 5; ++i) {
    spec.added_tokens.push_back({.id = i, .content = specials[i]});
    spec.vocabulary.emplace_back(i, specials[i]);
  }
  for (int32_t b = 0; b < 256; ++b) spec.vocabulary.emplace_back(5 + b, std::string(1, static_cast<char>(b)));
  spec.post_processor.steps = {text::around({{specials[0], {0}, {specials[0]}}}, {})};
  text::Tokenizer tokenizer = text::Tokenizer::create(spec, "byte tokenizer").value();
  tokenizer.set_roles({.bos = 0, .eos = 1, .pad = 4, .unk = {}});
  return tokenizer;
}

class FakeModel : public StepModel {
 public:
  explicit FakeModel(int64_t pages = 64, int64_t context = 512)
      : context_(context), memory_(static_cast<size_t>(pages * 16)) {}
  int64_t vocab_size() const override { return 261; }
  int64_t max_context() const override { return context_; }
  int64_t num_pages() const override { return static_cast<int64_t>(memory_.size()) / page_tokens(); }
  int64_t page_tokens() const override { return 16; }

  void run(std::span<const StepSequence> sequences, const LogitsSink& sink) override {
    ++steps;
    most_sequences = std::max<int64_t>(most_sequences, static_cast<int64_t>(sequences.size()));
    if (delay_ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms));
    if (fail_next.exchange(false)) throw Failure(ErrorCode::kInternal, "planned failure");
    for (size_t i = 0; i < sequences.size(); ++i) run_one(i, sequences[i], sink);
  }

  std::atomic<int64_t> steps{0}, most_sequences{0};
  std::atomic<int> delay_ms{0};
  std::atomic<bool> fail_next{false};
  std::atomic<int32_t> poison{-1};  // after this token the logits are not finite
  std::atomic<bool> only_letters{false};
  std::atomic<bool> repeats{false};  // mostly what followed the same token before

 private:
  int32_t& slot(const StepSequence& s, int64_t position) {
    const auto page = static_cast<size_t>(s.pages[static_cast<size_t>(position / page_tokens())]);
    return memory_[page * static_cast<size_t>(page_tokens()) + static_cast<size_t>(position % page_tokens())];
  }
  void run_one(size_t index, const StepSequence& s, const LogitsSink& sink) {
    const auto count = static_cast<int64_t>(s.tokens.size());
    for (int64_t row = 0; row < count; ++row) {
      slot(s, s.past + row) = s.tokens[static_cast<size_t>(row)];
      if (row < s.first_logits_row) continue;
      uint64_t state = 0;
      for (int64_t p = 0; p <= s.past + row; ++p) state = mix64(state ^ static_cast<uint64_t>(slot(s, p)));
      sink({.sequence = index, .row = row, .logits = logits_of(state, s.tokens[static_cast<size_t>(row)])});
    }
  }
  const std::vector<float>& logits_of(uint64_t state, int32_t last) {
    logits_.resize(static_cast<size_t>(vocab_size()));
    for (size_t v = 0; v < logits_.size(); ++v)
      logits_[v] = static_cast<float>(mix64(state + v) >> 40) * 0x1p-21f;  // 0 to 8
    for (size_t v = 0; only_letters && v < logits_.size(); ++v)
      if (v < 5 + 'a' || v > 5 + 'z') logits_[v] -= 100;
    if (repeats && mix64(state) % 8 > 0) logits_[static_cast<size_t>(5 + 'a' + (last + 1) % 3)] += 100;
    if (last == poison) logits_[0] = 0.0f / 0.0f;
    return logits_;
  }
  int64_t context_;
  std::vector<int32_t> memory_;  // the tokens themselves stand for keys and values
  std::vector<float> logits_;
};

}  // namespace maru::infer
