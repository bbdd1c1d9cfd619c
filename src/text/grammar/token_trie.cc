#include "text/grammar/token_trie.h"

#include <algorithm>

#include "text/grammar/mask_cache.h"
#include "text/tokenizer/tokenizer.h"

namespace maru::text {
namespace {

constexpr size_t kMaxTokenBytes = 4096;  // longer ones are never allowed

}  // namespace

TokenTrie::TokenTrie(const Tokenizer& tokenizer, int64_t num_ids)
    : num_ids_(std::max<int64_t>(num_ids, tokenizer.vocab_size())) {
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    if (!tokenizer.contains(id)) continue;
    if (tokenizer.is_special(id))
      specials_.emplace_back(id, tokenizer.spelling_of(id));
    else
      tokens_.emplace_back(id, tokenizer.bytes_of(id));
  }
  build();
}

TokenTrie::TokenTrie(std::vector<std::pair<int32_t, std::string>> tokens,
                     std::vector<std::pair<int32_t, std::string>> specials)
    : tokens_(std::move(tokens)), specials_(std::move(specials)) {
  for (const auto* list : {&tokens_, &specials_})
    for (const auto& [id, bytes] : *list) num_ids_ = std::max<int64_t>(num_ids_, id + int64_t{1});
  build();
}

TokenTrie::~TokenTrie() = default;

void TokenTrie::build() {
  bytes_.resize(static_cast<size_t>(num_ids_));
  std::vector<std::pair<std::string_view, int32_t>> strings;
  for (const auto& [id, bytes] : tokens_) {
    if (bytes.empty() || bytes.size() > kMaxTokenBytes) continue;
    bytes_[static_cast<size_t>(id)] = bytes;
    strings.emplace_back(bytes, id);
  }
  trie_ = grammar::FlatTrie(std::move(strings));
  for (const auto& [id, spelling] : specials_) special_spellings_.emplace(id, spelling);
  masks_ = std::make_unique<grammar::MaskCache>(*this);
}

std::string_view TokenTrie::bytes_of(int32_t id) const {
  return id >= 0 && id < num_ids_ ? bytes_[static_cast<size_t>(id)] : std::string_view();
}

std::string_view TokenTrie::spelling_of_special(int32_t id) const {
  const auto it = special_spellings_.find(id);
  return it == special_spellings_.end() ? std::string_view() : it->second;
}

}  // namespace maru::text
