// Regular languages as trees: what parsers of regular expressions and grammars make, and the formats of JSON are
// written in. A tree becomes an automaton over code points, and that one over bytes.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "text/grammar/automaton.h"
#include "text/grammar/code_points.h"

namespace maru::text::grammar {

/// Owns the nodes of trees, which may share parts. Not thread-safe.
class Regular {
 public:
  using Node = uint32_t;
  Node empty();  // the empty text
  Node chars(CodePoints set);
  Node literal(std::string_view utf8);
  Node sequence(std::vector<Node> parts);
  Node any_of(std::vector<Node> parts);
  /// `max` may be kUnbounded.
  Node repeat(Node part, uint64_t min, uint64_t max);
  Node optional(Node part) { return repeat(part, 0, 1); }
  Node at_start();
  Node at_end();
  /// Any text with this in it: how JSON Schema means a pattern.
  Node searched(Node part);

  /// None if it is too large.
  std::optional<Nfa> nfa(Node root) const;
  std::optional<Dfa> dfa(Node root, Work& work, size_t max_states = kMaxDfaStates) const;

 private:
  enum class Kind : uint8_t { kEmpty, kChars, kSequence, kAnyOf, kRepeat, kAtStart, kAtEnd };
  struct Item {
    Kind kind = Kind::kEmpty;
    std::vector<Node> parts;
    CodePoints set;
    uint64_t min = 0, max = 0;
  };
  struct Building;
  Node add(Item item);
  std::vector<Item> items_;
};

}  // namespace maru::text::grammar
