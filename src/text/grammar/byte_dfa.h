// The automaton that runs: a table from state and byte to state. Immutable, shared between threads.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/grammar/automaton.h"

namespace maru::text::grammar {

/// Never accepts the empty text: what may be left out is said by the grammar around it. Every state leads to an
/// accepting one.
class ByteDfa {
 public:
  static constexpr uint32_t kDead = UINT32_MAX;
  /// `dfa` is over bytes; with `counting`, the state in which each character of a string begins (none: 0, the start).
  explicit ByteDfa(const Dfa& dfa, uint32_t counting = 0);

  uint32_t next(uint32_t state, uint8_t byte) const { return table_[state * num_classes_ + classes_[byte]]; }
  bool accepts(uint32_t state) const { return (flags_[state] & 1) != 0; }
  /// Whether any byte may follow.
  bool goes_on(uint32_t state) const { return (flags_[state] & 2) != 0; }
  /// Each byte out of this state begins a unit, unless it leads to an accepting state; 0: nothing is counted.
  uint32_t counting() const { return counting_; }
  /// The only byte that may follow; -1: none or several.
  int only_byte(uint32_t state) const;
  size_t num_states() const { return flags_.size(); }
  /// Equal for equal automata, and for no others (SHA-256).
  const std::string& digest() const { return digest_; }

 private:
  std::array<uint8_t, 256> classes_{};
  uint32_t num_classes_ = 0, counting_ = 0;
  std::vector<uint32_t> table_;
  std::vector<uint8_t> flags_;
  std::string digest_;
};

/// How code points become bytes.
enum class Encoding : uint8_t {
  kUtf8,
  /// Inside a JSON string, each character in one spelling: quote, backslash and controls escaped in the shortest way
  /// (hexadecimal digits of either case), all others as they are.
  kJson,
};

/// An automaton over code points as one over bytes, behind `before` and in front of `after`. None if it is too large.
std::optional<Dfa> over_bytes(const Dfa& dfa, Encoding encoding, std::string_view before, std::string_view after,
                              Work& work);
/// Bytes as symbols.
std::vector<uint32_t> symbols_of_bytes(std::string_view bytes);
/// Code points as symbols; the text must be UTF-8.
std::vector<uint32_t> symbols_of_text(std::string_view utf8);

}  // namespace maru::text::grammar
