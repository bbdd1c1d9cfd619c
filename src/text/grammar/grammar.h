// What an answer may look like, compiled: rules whose parts are automata over bytes. Immutable, so shared by all
// answers and threads. compile.h makes them, GrammarMatcher follows an answer.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace maru::text::grammar {
class ByteDfa;
class Lowering;
}  // namespace maru::text::grammar

namespace maru::text {

class Grammar {
 public:
  enum class Kind : uint8_t { kEnd, kMatch, kCall, kSplit };
  /// A place in a rule. Node 0 is the end of whichever rule.
  struct Node {
    Kind kind = Kind::kEnd;
    bool repeats = false;  // kMatch and kCall: between `min` and `max` times, then `next`
    bool special = false;  // kMatch: a special token may spell it, or its beginning
    uint32_t symbol = 0;   // number of the automaton or of the rule
    uint32_t next = 0;     // place behind it
    uint64_t min = 1, max = 1;
    uint64_t min_units = 0, max_units = 0;  // of a counted automaton
    uint32_t first = 0, count = 0;          // kSplit: where all may go on, in targets()
  };
  struct Rule {
    uint32_t start = 0;
    bool nullable = false;
  };

  /// Of no other grammar in this process.
  uint64_t number() const { return number_; }
  const Node& node(uint32_t i) const { return nodes_[i]; }
  std::span<const uint32_t> targets(const Node& split) const { return {targets_.data() + split.first, split.count}; }
  const Rule& rule(uint32_t i) const { return rules_[i]; }
  size_t num_rules() const { return rules_.size(); }
  const grammar::ByteDfa& dfa(uint32_t i) const { return *dfas_[i]; }
  /// The rule that a whole answer is.
  uint32_t root() const { return root_; }
  /// Texts that special tokens may spell, or begin.
  const std::vector<std::string>& specials() const { return specials_; }
  /// SHA-256 of all that decides what may be said, in hexadecimal: the same for the same text compiled by the same
  /// code.
  std::string digest() const;

 private:
  friend class grammar::Lowering;
  std::vector<Node> nodes_;
  std::vector<uint32_t> targets_;
  std::vector<Rule> rules_;
  std::vector<std::shared_ptr<const grammar::ByteDfa>> dfas_;
  std::vector<std::string> specials_;
  uint32_t root_ = 0;
  uint64_t number_ = 0;
};

}  // namespace maru::text
