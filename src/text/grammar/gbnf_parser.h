// Grammars as text: GBNF, as llama.cpp writes it, and EBNF where that is written alike.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/grammar/limits.h"
#include "text/grammar/regular.h"

namespace maru::text::grammar {

/// A parsed grammar: nodes of trees, rules as the numbers of their roots.
struct Gbnf {
  enum class Kind : uint8_t { kText, kSequence, kAnyOf, kRepeat, kRule };
  struct Node {
    Kind kind = Kind::kSequence;
    std::vector<uint32_t> parts;
    Regular::Node text = 0;     // kText: characters, in `tree`
    uint32_t rule = 0;          // kRule
    uint64_t min = 0, max = 0;  // kRepeat
    size_t depth = 1;           // of the tree below
  };
  std::vector<Node> nodes;
  std::vector<uint32_t> rules;  // by number: node
  uint32_t root = 0;            // number of the rule
  Regular tree;
};

/// Throws kInvalidArgument, saying in which line: bad syntax, rules that are missing or there twice, and by name what
/// is another language's (Lark) or another's extension. Source   llama.cpp, grammars/README.md, for the syntax.
Gbnf parse_gbnf(std::string_view source);

}  // namespace maru::text::grammar
