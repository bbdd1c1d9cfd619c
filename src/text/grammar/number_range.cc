#include "text/grammar/number_range.h"

#include <string>
#include <utility>
#include <vector>

#include "text/grammar/json_terms.h"
#include "text/grammar/regular.h"

namespace maru::text::grammar {
namespace {

using Node = Regular::Node;
constexpr size_t kExactDigits = 15;  // decimals of so many digits are different doubles

class Builder {
 public:
  explicit Builder(Work& work) : work_(work) {}

  std::optional<Dfa> integers(const NumberRange& range) {
    // Magnitudes on either side of zero; nothing where the range does not reach.
    std::vector<Node> parts;
    const auto low = range.low ? std::optional(first_integer(*range.low)) : std::nullopt;
    const auto high = range.high ? std::optional(negated(first_integer(negated(*range.high)))) : std::nullopt;
    const bool negative = !low || low->negative, positive = !high || !high->negative;
    if (positive) {
      const std::string from = low && !low->negative ? low->whole : "0";
      if (auto node = whole_numbers(from, high ? high->whole : nines())) parts.push_back(*node);
    }
    if (negative) {
      const std::string from = high && high->negative ? high->whole : "1";
      if (auto node = whole_numbers(from, low ? low->whole : nines()))
        parts.push_back(tree_.sequence({tree_.literal("-"), *node}));
    }
    if (parts.empty()) return Dfa();
    auto made = tree_.dfa(tree_.any_of(std::move(parts)), work_);
    if (made && range.multiple_of > 1) made = product(*made, multiples(range.multiple_of), false, work_);
    return made;
  }

  std::optional<Dfa> decimals(const NumberRange& range) {
    const auto& [low, high] = std::pair(range.low, range.high);
    std::optional<Dfa> all = Dfa();
    const bool reaches_positive = !high || !high->value.negative;
    if (reaches_positive) {
      const bool from_low = low && !low->value.negative;
      all = magnitudes(from_low ? low : std::nullopt, high, "");
    }
    if (low && !low->value.negative) return all;
    if (!all) return all;
    // Below zero: the same with the bounds exchanged; zero itself is not written with a sign.
    const auto from = high && high->value.negative ? std::optional(negated(*high)) : Bound{{}, true};
    const auto to = low ? std::optional(negated(*low)) : std::nullopt;
    const auto below = magnitudes(from, to, "-");
    if (!below) return std::nullopt;
    return united(*all, *below);
  }

 private:
  static std::string nines() { return std::string(kWholeDigits, '9'); }
  static Decimal negated(Decimal value) {
    value.negative = !value.negative && !value.is_zero();
    return value;
  }
  static Bound negated(const Bound& bound) { return {negated(bound.value), bound.exclusive}; }
  // The smallest integer that a lower bound allows.
  static Decimal first_integer(const Bound& low) {
    Decimal value = low.value;
    if (!value.is_integer()) {
      value.fraction.clear();
      if (!value.negative) value.whole = plus_one(value.whole);
    } else if (low.exclusive) {
      if (value.negative)
        value.whole = *minus_one(value.whole);
      else
        value.whole = plus_one(value.whole);
    }
    if (value.is_zero()) value.negative = false;
    return value;
  }

  Node digit(char low, char high) { return tree_.chars({{static_cast<uint32_t>(low), static_cast<uint32_t>(high)}}); }
  Node digits(uint64_t min, uint64_t max) { return tree_.repeat(digit('0', '9'), min, max); }

  // Digits of one length from `low` to `high`.
  Node between(std::string_view low, std::string_view high) {
    if (low.empty()) return tree_.empty();
    const bool all =
        low.find_first_not_of('0') == std::string_view::npos && high.find_first_not_of('9') == std::string_view::npos;
    if (all) return digits(low.size(), low.size());
    const Node rest = digits(low.size() - 1, low.size() - 1);
    if (low[0] == high[0]) return tree_.sequence({digit(low[0], low[0]), between(low.substr(1), high.substr(1))});
    std::vector<Node> parts{tree_.sequence({digit(low[0], low[0]), at_least(low.substr(1))}),
                            tree_.sequence({digit(high[0], high[0]), at_most(high.substr(1))})};
    if (low[0] + 1 < high[0])
      parts.push_back(tree_.sequence({digit(static_cast<char>(low[0] + 1), static_cast<char>(high[0] - 1)), rest}));
    return tree_.any_of(std::move(parts));
  }
  Node at_least(std::string_view low) { return between(low, std::string(low.size(), '9')); }
  Node at_most(std::string_view high) { return between(std::string(high.size(), '0'), high); }

  std::optional<Node> whole_numbers(std::string low, std::string high) {
    if (high.size() > kWholeDigits) high = nines();
    if (low.size() > high.size() || (low.size() == high.size() && low > high)) return std::nullopt;
    std::vector<Node> parts;
    for (size_t length = low.size(); length <= high.size(); ++length) {
      const std::string first = length == low.size() ? low : "1" + std::string(length - 1, '0');
      const std::string last = length == high.size() ? high : std::string(length, '9');
      parts.push_back(between(first, last));
    }
    return tree_.any_of(std::move(parts));
  }

  // Numbers without a sign that are at least `low` and at most `high`, behind a prefix.
  std::optional<Dfa> magnitudes(const std::optional<Bound>& low, const std::optional<Bound>& high,
                                std::string_view sign) {
    size_t places = kFractionDigits;
    for (const auto* bound : {&low, &high})
      if (*bound) places = std::min(places, fraction_digits((*bound)->value));
    const Node point = tree_.literal(".");
    const Node shape =
        tree_.sequence({*whole_numbers("0", nines()), tree_.optional(tree_.sequence({point, digits(1, places)}))});
    auto made = tree_.dfa(shape, work_);
    if (made && low) made = both(*made, tree_.dfa(above(*low), work_));
    if (made && high) {
      const auto node = below(*high);
      made = node ? both(*made, tree_.dfa(*node, work_)) : Dfa();
    }
    return made && !sign.empty() ? signed_by(*made) : made;
  }
  // So many that a bound and its neighbour stay different doubles.
  static size_t fraction_digits(const Decimal& bound) {
    const size_t left = bound.whole.size() < kExactDigits ? kExactDigits - bound.whole.size() : 1;
    return std::max(left, bound.fraction.size());
  }
  std::optional<Dfa> both(const Dfa& a, const std::optional<Dfa>& b) {
    return b ? product(a, *b, false, work_) : std::nullopt;
  }
  static Dfa signed_by(const Dfa& unsigned_numbers) {
    Dfa made;
    if (unsigned_numbers.empty()) return made;
    made.states.push_back({{{'-', '-', 1}}, false});
    for (Dfa::State state : unsigned_numbers.states) {
      for (Dfa::Edge& e : state.edges) ++e.to;
      made.states.push_back(std::move(state));
    }
    return made;
  }
  // One begins with a digit and the other with a sign, so that their starts can be one.
  static Dfa united(Dfa a, const Dfa& b) {
    if (a.empty()) return b;
    if (b.empty()) return a;
    const auto shift = static_cast<uint32_t>(a.states.size());
    for (Dfa::State state : b.states) {
      for (Dfa::Edge& e : state.edges) e.to += shift;
      a.states.push_back(std::move(state));
    }
    const auto first = a.states[shift].edges;
    a.states[0].edges.insert(a.states[0].edges.begin(), first.begin(), first.end());
    return a;
  }

  Node any_fraction() { return tree_.optional(tree_.sequence({tree_.literal("."), digits(1, kUnbounded)})); }
  Node zeros() { return tree_.repeat(digit('0', '0'), 0, kUnbounded); }

  // At least the bound, or more than it.
  Node above(const Bound& low) {
    std::vector<Node> parts;
    if (const auto larger = whole_numbers(plus_one(low.value.whole), nines()))
      parts.push_back(tree_.sequence({*larger, any_fraction()}));
    Node tail =
        low.exclusive ? tree_.sequence({zeros(), digit('1', '9'), digits(0, kUnbounded)}) : digits(0, kUnbounded);
    const std::string& fraction = low.value.fraction;
    for (size_t i = fraction.size(); i-- > 0;) {
      std::vector<Node> ways{tree_.sequence({digit(fraction[i], fraction[i]), tail})};
      if (fraction[i] < '9')
        ways.push_back(tree_.sequence({digit(static_cast<char>(fraction[i] + 1), '9'), digits(0, kUnbounded)}));
      tail = tree_.any_of(std::move(ways));
    }
    tail = tree_.sequence({tree_.literal("."), tail});
    if (fraction.empty() && !low.exclusive) tail = tree_.optional(tail);
    parts.push_back(tree_.sequence({tree_.literal(low.value.whole), tail}));
    return tree_.any_of(std::move(parts));
  }

  // At most the bound, or less than it; none if that is nothing.
  std::optional<Node> below(const Bound& high) {
    std::vector<Node> parts;
    if (const auto less = minus_one(high.value.whole))
      if (const auto smaller = whole_numbers("0", *less)) parts.push_back(tree_.sequence({*smaller, any_fraction()}));
    const std::string& fraction = high.value.fraction;
    std::optional<Node> tail;
    if (!high.exclusive) tail = zeros();
    for (size_t i = fraction.size(); i-- > 0;) {
      std::vector<Node> ways;
      if (i > 0) ways.push_back(tree_.empty());  // it ends before: less
      if (tail) ways.push_back(tree_.sequence({digit(fraction[i], fraction[i]), *tail}));
      if (fraction[i] > '0')
        ways.push_back(tree_.sequence({digit('0', static_cast<char>(fraction[i] - 1)), digits(0, kUnbounded)}));
      tail = tree_.any_of(std::move(ways));
    }
    if (tail) {
      const Node behind = tree_.optional(tree_.sequence({tree_.literal("."), *tail}));
      parts.push_back(tree_.sequence({tree_.literal(high.value.whole), behind}));
    }
    if (parts.empty()) return std::nullopt;
    return tree_.any_of(std::move(parts));
  }

  // A state per remainder, one for the start and one behind a sign.
  static Dfa multiples(uint64_t n) {
    Dfa made;
    const auto count = static_cast<uint32_t>(n);
    made.states.resize(count + 2);
    for (uint32_t state = 0; state < count + 2; ++state) {
      const uint32_t rest = state < 2 ? 0 : state - 2;
      if (state == 0) made.states[0].edges.push_back({'-', '-', 1});
      for (uint32_t d = 0; d < 10; ++d)
        made.states[state].edges.push_back({'0' + d, '0' + d, 2 + (rest * 10 + d) % count});
      made.states[state].accepts = state >= 2 && rest == 0;
    }
    return made;
  }

  Regular tree_;
  Work& work_;
};

}  // namespace

bool NumberRange::contains(const Decimal& value) const {
  if ((integer || multiple_of > 0) && !value.is_integer()) return false;
  if (multiple_of > 1 && remainder(value, multiple_of) != 0) return false;
  if (low && (value < low->value || (low->exclusive && value == low->value))) return false;
  return !high || !(value > high->value || (high->exclusive && value == high->value));
}

std::optional<Dfa> numbers_in(const NumberRange& range, Work& work) {
  Builder builder(work);
  return range.integer || range.multiple_of > 0 ? builder.integers(range) : builder.decimals(range);
}

}  // namespace maru::text::grammar
