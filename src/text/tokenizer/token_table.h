// The vocabulary: the bytes of each id, and the id of given bytes. Ids may have holes. Immutable once filled.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace maru::text {

class TokenTable {
 public:
  TokenTable() = default;
  /// Tokens as (id, bytes), in any order; of equal bytes the first counts for find(). Ids must be distinct and >= 0.
  explicit TokenTable(const std::vector<std::pair<int32_t, std::string>>& tokens);
  /// Largest id + 1.
  int32_t size() const { return static_cast<int32_t>(spans_.size()); }
  bool contains(int32_t id) const { return id >= 0 && id < size() && spans_[id].begin != kHole; }
  /// id must be contained.
  std::string_view bytes(int32_t id) const { return {arena_.data() + spans_[id].begin, spans_[id].length}; }
  std::optional<int32_t> find(std::string_view bytes) const;

 private:
  static constexpr uint64_t kHole = ~uint64_t{0};
  struct Span {
    uint64_t begin = kHole;
    uint32_t length = 0;
  };
  size_t slot_of(std::string_view bytes) const;  // where it is, or the empty slot where it would go
  std::vector<char> arena_;
  std::vector<Span> spans_;
  std::vector<int32_t> slots_;  // open addressing; -1: empty
};

}  // namespace maru::text
