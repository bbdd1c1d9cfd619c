#include "text/tokenizer/token_table.h"

#include <algorithm>
#include <bit>

#include "base/error.h"
#include "base/hash.h"

namespace maru::text {

TokenTable::TokenTable(const std::vector<std::pair<int32_t, std::string>>& tokens) {
  int32_t last = -1;
  for (const auto& [id, bytes] : tokens) last = std::max(last, id);
  spans_.resize(static_cast<size_t>(last) + 1);
  slots_.assign(std::bit_ceil(2 * tokens.size() + 2), -1);
  for (const auto& [id, bytes] : tokens) {
    CHECK(id >= 0 && spans_[id].begin == kHole);
    spans_[id] = {arena_.size(), static_cast<uint32_t>(bytes.size())};
    arena_.insert(arena_.end(), bytes.begin(), bytes.end());
    int32_t& slot = slots_[slot_of(bytes)];
    if (slot < 0) slot = id;
  }
}

size_t TokenTable::slot_of(std::string_view wanted) const {
  const size_t mask = slots_.size() - 1;
  size_t slot = hash64(wanted) & mask;
  while (slots_[slot] >= 0 && bytes(slots_[slot]) != wanted) slot = (slot + 1) & mask;
  return slot;
}

std::optional<int32_t> TokenTable::find(std::string_view wanted) const {
  if (slots_.empty()) return std::nullopt;
  const int32_t id = slots_[slot_of(wanted)];
  return id < 0 ? std::nullopt : std::optional(id);
}

}  // namespace maru::text
