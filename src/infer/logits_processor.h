// What changes logits before a token is chosen from them: a chain of processors, each with its own memory of what was
// said. A new one (a grammar, a rule about tools) is a class of this kind.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace maru::infer {

/// Of one choice. Called by one thread at a time.
class LogitsProcessor {
 public:
  virtual ~LogitsProcessor() = default;
  /// Changes the logits [vocab]; -inf: not this token.
  virtual void process(std::span<float> logits) = 0;
  /// `token` was chosen.
  virtual void accept(int32_t token) = 0;
};

/// Divides positive logits of tokens that stand in the prompt or the answer by `penalty`, multiplies negative ones
/// (Keskar et al. 2019, arXiv 1909.05858, §4.1).
class RepetitionPenalty : public LogitsProcessor {
 public:
  RepetitionPenalty(double penalty, std::span<const int32_t> prompt);
  void process(std::span<float> logits) override;
  void accept(int32_t token) override { seen_.insert(token); }

 private:
  const float penalty_;
  std::unordered_set<int32_t> seen_;
};

/// Subtracts `presence` from the logit of each token that stands in the answer, and `frequency` for each time it does
/// (OpenAI's API reference).
class AnswerPenalties : public LogitsProcessor {
 public:
  AnswerPenalties(double presence, double frequency) : presence_(presence), frequency_(frequency) {}
  void process(std::span<float> logits) override;
  void accept(int32_t token) override { ++counts_[token]; }

 private:
  const double presence_, frequency_;
  std::unordered_map<int32_t, int64_t> counts_;
};

/// Nothing ends the answer before it has so many tokens.
class MinTokens : public LogitsProcessor {
 public:
  MinTokens(int64_t min_tokens, std::vector<int32_t> end_tokens)
      : left_(min_tokens), end_tokens_(std::move(end_tokens)) {}
  void process(std::span<float> logits) override;
  void accept(int32_t) override { --left_; }

 private:
  int64_t left_;
  const std::vector<int32_t> end_tokens_;
};

class LogitBias : public LogitsProcessor {
 public:
  explicit LogitBias(std::vector<std::pair<int32_t, double>> bias) : bias_(std::move(bias)) {}
  void process(std::span<float> logits) override;
  void accept(int32_t) override {}

 private:
  const std::vector<std::pair<int32_t, double>> bias_;
};

/// No other tokens than these.
class AllowedTokens : public LogitsProcessor {
 public:
  explicit AllowedTokens(std::vector<int32_t> allowed);
  void process(std::span<float> logits) override;
  void accept(int32_t) override {}

 private:
  std::vector<int32_t> allowed_;  // ascending
};

/// Never the last token of a word where the answer ends in the others of it: vLLM's bad_words, which knows words by the
/// tokens that they were encoded as.
class BadWords : public LogitsProcessor {
 public:
  /// None of them empty.
  explicit BadWords(std::vector<std::vector<int32_t>> words) : words_(std::move(words)) {}
  void process(std::span<float> logits) override;
  void accept(int32_t token) override { said_.push_back(token); }

 private:
  const std::vector<std::vector<int32_t>> words_;
  std::vector<int32_t> said_;
};

}  // namespace maru::infer
