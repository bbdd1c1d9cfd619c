// Holds an answer to a grammar: what may not come next gets no weight. Reasoning before the answer is free.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "infer/logits_processor.h"
#include "text/grammar/grammar_matcher.h"
#include "text/grammar/token_trie.h"

namespace maru::infer {

/// What an answer must look like.
struct AnswerConstraint {
  std::shared_ptr<const text::Grammar> grammar;
  // Marks of reasoning that may come first, which the grammar does not see; empty: none may.
  std::string reasoning_begin, reasoning_end;
  bool in_reasoning = false;  // the prompt began it
};

class GrammarProcessor : public LogitsProcessor {
 public:
  /// `tokens` must outlive it.
  GrammarProcessor(const AnswerConstraint& constraint, const text::TokenTrie& tokens, std::vector<int32_t> end_tokens);
  /// Throws   kInvalidArgument when no token of the model can go on.
  void process(std::span<float> logits) override;
  void accept(int32_t token) override;
  /// The answer is whole: nothing may follow.
  bool is_over() const { return !reasons_ && matcher_.is_over(); }
  /// The text that must come next, as far as that is certain.
  std::string forced() const { return reasons_ || at_start_ ? "" : matcher_.forced(); }

 private:
  void follow_reasoning(int32_t token);
  const text::TokenTrie& tokens_;
  const std::string reasoning_end_;
  text::GrammarMatcher matcher_;
  std::vector<uint32_t> mask_;
  std::optional<int32_t> reasoning_begin_;  // the token that begins it
  bool at_start_;                           // it may begin
  bool reasons_;
  std::string reasoning_;  // the end of it, for the mark to be found in
};

}  // namespace maru::infer
