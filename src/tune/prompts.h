// The prompts of a split, as maru data pack --prompts writes them: their tokens, and the lines that they come from.
#pragma once
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "formats/token_dataset.h"

namespace maru::tune {

class PromptSet {
 public:
  /// Leaves out prompts of more than `longest` tokens.
  ///
  /// Throws   kDataLoss naming the file and what is wrong when the lines are not those of the tokens.
  /// Cost     keeps all lines in memory
  PromptSet(const formats::TokenDataset& tokens, const fs::path& directory, std::string_view split, int64_t longest);
  int64_t size() const { return static_cast<int64_t>(prompts_.size()); }
  int64_t left_out() const { return tokens_.num_documents() - size(); }
  std::vector<int32_t> tokens(int64_t prompt) const;
  /// Tokens of the longest.
  int64_t longest() const { return longest_; }
  /// Of all prompts.
  int64_t num_tokens() const { return num_tokens_; }
  /// "prompt" and the columns.
  Json line(int64_t prompt) const;
  /// File and line of the data that was packed.
  const std::string& where(int64_t prompt) const { return prompts_[static_cast<size_t>(prompt)].where; }

 private:
  struct Prompt {
    int64_t document;
    std::string where, line;
  };
  const formats::TokenDataset& tokens_;
  int64_t num_tokens_ = 0, longest_ = 0;
  std::vector<Prompt> prompts_;
};

}  // namespace maru::tune
