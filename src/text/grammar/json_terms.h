// The words of JSON as parts of a grammar: strings, numbers, names, and what stands between them. White space is what
// people and models write: none, one space, or a line end with indentation; never a run without end.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_fwd.h"
#include "text/grammar/automaton.h"
#include "text/grammar/regular.h"
#include "text/grammar/rules.h"

namespace maru::text::grammar {

class JsonTerms {
 public:
  using Expr = Rules::Expr;
  /// `compact`: no white space at all.
  JsonTerms(Rules& rules, bool compact);

  /// Any string, spelled in any way; `length` counts characters.
  Expr string(const Length& length = {}) const;
  /// Strings whose characters an automaton over code points accepts, each in one spelling.
  Expr string(const Dfa& characters);
  Expr number() const;
  Expr integer() const;
  /// Numbers whose characters are accepted.
  Expr number(const Dfa& characters);
  /// A name, the colon and what may stand behind it.
  Expr name(std::string_view text);
  Expr name(const Dfa& characters);
  Expr any_name() const;
  /// One of these values, each in one spelling; members in their order.
  Expr any_constant(const std::vector<const Json*>& values);
  /// Any value; members have any names.
  Expr value();
  Expr any_object();

  Expr open_object() const { return open_object_; }
  Expr close_object() const { return close_object_; }
  Expr open_list() const { return open_list_; }
  Expr close_list() const { return close_list_; }
  Expr comma() const { return comma_; }

  Rules& rules() { return rules_; }
  Regular& tree() { return tree_; }
  Work& work() { return work_; }

 private:
  Expr spelled(const Dfa& characters, std::string_view before, std::string_view after);
  Expr list_of(Expr element);
  Expr constant(const Json& value);
  Rules& rules_;
  Regular tree_;
  Work work_;
  Expr open_object_, close_object_, open_list_, close_list_, comma_, behind_name_;
  uint32_t value_rule_ = UINT32_MAX;
};

/// Digits of numbers: so many before the point, behind it, and in the exponent. More would be a run without end, and
/// beyond what a double can tell apart.
inline constexpr int kWholeDigits = 20, kFractionDigits = 20;

}  // namespace maru::text::grammar
