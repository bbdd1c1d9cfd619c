// Numbers between bounds as automata over their characters: exact, because digits are compared as digits.
#pragma once
#include <cstdint>
#include <optional>

#include "text/grammar/automaton.h"
#include "text/grammar/decimal.h"

namespace maru::text::grammar {

struct Bound {
  Decimal value;
  bool exclusive = false;
};

struct NumberRange {
  std::optional<Bound> low, high;
  uint64_t multiple_of = 0;  // of integers; 0: any
  bool integer = false;
  bool unlimited() const { return !low && !high && multiple_of <= 1; }
  bool contains(const Decimal& value) const;
};

inline constexpr uint64_t kMaxMultipleOf = 1000;  // an automaton has as many states as there are remainders

/// Spelled without an exponent; integers have at most 20 digits, other numbers at most 20 on each side of the point.
/// Bounds of at most 20 digits before the point. None if it is too large.
std::optional<Dfa> numbers_in(const NumberRange& range, Work& work);

}  // namespace maru::text::grammar
