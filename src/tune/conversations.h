// Conversations as prompts: all that stands before the last answer of each, which the model is to give anew.
#pragma once
#include <cstdint>
#include <vector>

#include "formats/token_dataset.h"

namespace maru::tune {

class ConversationSet {
 public:
  /// Of those whose prompt has more than `longest` tokens there is none.
  ///
  /// Cost     one look at the mask of every document, 4 bytes of memory for each
  ConversationSet(const formats::TokenDataset& tokens, int64_t longest);
  /// Tokens before the last answer; 0: there is no answer, nothing before it, or too much.
  int64_t prompt_size(int64_t document) const { return prompts_[static_cast<size_t>(document)]; }
  /// Tokens of the longest prompt, and of the shortest; 0: there is none.
  int64_t longest() const { return longest_; }
  int64_t shortest() const { return shortest_; }
  std::vector<int32_t> prompt(int64_t document) const;
  int64_t size() const { return static_cast<int64_t>(prompts_.size()); }
  /// Conversations without a prompt.
  int64_t left_out() const { return left_out_; }

 private:
  const formats::TokenDataset& tokens_;
  std::vector<int32_t> prompts_;
  int64_t left_out_ = 0, longest_ = 0, shortest_ = 0;
};

}  // namespace maru::tune
