// A grammar on its way: rules made of automata, of each other, and of sequences, choices and repetitions of both. What
// the readers of schemas and grammars build; Grammar is what it becomes.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "text/grammar/byte_dfa.h"
#include "text/grammar/grammar.h"

namespace maru::text::grammar {

/// A grammar beyond its bounds: said without a place, which whoever knows it adds.
class TooLarge : public Failure {
 public:
  explicit TooLarge(std::string message) : Failure(ErrorCode::kInvalidArgument, std::move(message)) {}
};

/// How many characters a counted automaton may read.
struct Length {
  uint64_t min = 0, max = kUnbounded;
};

/// Not thread-safe. Expressions may share parts. Throws TooLarge when there are too many of them.
class Rules {
 public:
  using Expr = uint32_t;
  Expr nothing() const { return kNothing; }  // the empty text
  Expr never() const { return kNever; }      // no text at all
  Expr terminal(std::shared_ptr<const ByteDfa> dfa, Length length = {});
  Expr literal(std::string_view bytes);
  /// The same, but a special token may spell it, or its beginning.
  Expr special_literal(std::string_view bytes);
  Expr sequence(std::vector<Expr> parts);
  Expr any_of(std::vector<Expr> parts);
  Expr optional(Expr part) { return any_of({part, kNothing}); }
  /// `max` may be kUnbounded.
  Expr repeat(Expr part, uint64_t min, uint64_t max);
  /// A rule whose body is said later: rules may contain themselves, on the left too.
  uint32_t add_rule();
  void define(uint32_t rule, Expr body) { bodies_[rule] = body; }
  Expr call(uint32_t rule);

  /// What `root` describes. Null if there is no such text.
  std::shared_ptr<const Grammar> finished(Expr root);

 private:
  friend class Lowering;
  static constexpr Expr kNothing = 0, kNever = 1;
  enum class Kind : uint8_t { kNothing, kNever, kTerminal, kSequence, kAnyOf, kRepeat, kCall };
  struct Item {
    Kind kind = Kind::kNothing;
    std::vector<Expr> parts;
    uint32_t symbol = 0;  // automaton or rule
    uint64_t min = 0, max = 0;
    bool special = false;
  };
  Expr add(Item item);
  std::vector<Item> items_{{.kind = Kind::kNothing}, {.kind = Kind::kNever}};
  std::vector<Expr> bodies_;
  std::vector<std::string> specials_;
  std::vector<std::shared_ptr<const ByteDfa>> dfas_;
  std::unordered_map<const ByteDfa*, uint32_t> dfa_numbers_;
  std::unordered_map<std::string, std::shared_ptr<const ByteDfa>> literals_;
};

}  // namespace maru::text::grammar
