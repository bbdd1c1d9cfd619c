#include "tune/conversations.h"

#include <algorithm>

#include "base/map_guard.h"

namespace maru::tune {
namespace {

/// Where the last run of tokens that count begins; 0: there is none.
int64_t last_answer(const formats::TokenDocument& document) {
  int64_t at = document.tokens.size();
  while (at > 0 && !document.mask[at - 1]) --at;
  while (at > 0 && document.mask[at - 1]) --at;
  return at;
}

}  // namespace

ConversationSet::ConversationSet(const formats::TokenDataset& tokens, int64_t longest) : tokens_(tokens) {
  prompts_.reserve(static_cast<size_t>(tokens.num_documents()));
  for (int64_t d = 0; d < tokens.num_documents(); ++d) {
    const int64_t size = last_answer(tokens.document(d));
    prompts_.push_back(size <= longest ? static_cast<int32_t>(size) : 0);
    left_out_ += prompts_.back() == 0;
    if (prompts_.back() == 0) continue;
    longest_ = std::max(longest_, size);
    shortest_ = shortest_ == 0 ? size : std::min(shortest_, size);
  }
  check_mapped_files();
}

std::vector<int32_t> ConversationSet::prompt(int64_t document) const {
  std::vector<int32_t> prompt(static_cast<size_t>(prompt_size(document)));
  tokens_.document(document).tokens.subspan(0, prompt_size(document)).copy_to(prompt);
  check_mapped_files();
  return prompt;
}

}  // namespace maru::tune
