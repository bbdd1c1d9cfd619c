#include "text/grammar/json_terms.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "text/grammar/regex_parser.h"

namespace maru::text::grammar {
namespace {

constexpr std::string_view kSpace = R"(( |\n( {0,64}|\t{0,16}))?)";
// Escapes of halves of surrogate pairs come in pairs.
constexpr std::string_view kString =
    R"("([^"\\\x00-\x1F]|\\(["\\/bfnrt]|u([0-9a-cA-CefEF][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}|)"
    R"([dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})))*")";
constexpr std::string_view kInteger = R"(0|-?[1-9][0-9]{0,19})";
constexpr std::string_view kNumber = R"(-?(0|[1-9][0-9]{0,19})(\.[0-9]{1,20})?([eE][-+]?[0-9]{1,2})?)";

/// Of patterns that stand here, which fit.
ByteDfa made_of(std::string_view pattern, bool counts = false) {
  Regular tree;
  Work work;
  const auto characters = tree.dfa(parse_regex(tree, pattern), work);
  const auto bytes = over_bytes(characters.value(), Encoding::kUtf8, "", "", work);
  // Behind the quote begins each character, and the first.
  const uint32_t counting = counts ? bytes.value().states[0].edges.at(0).to : 0;
  return ByteDfa(bytes.value(), counting);
}

std::shared_ptr<const ByteDfa> between(std::string_view before, std::string_view behind, bool compact) {
  std::string pattern(before);
  if (!compact) pattern += kSpace;
  pattern += behind;
  return std::make_shared<ByteDfa>(made_of(pattern));
}

// A number, true, false or null. 3.0 is written as 3.
std::string word(const Json& value) {
  const double number = value.is_number_float() ? value.get<double>() : 0.5;
  const bool whole = number == static_cast<double>(static_cast<int64_t>(std::clamp(number, -9e15, 9e15)));
  return whole ? std::to_string(static_cast<int64_t>(number)) : value.dump();
}

}  // namespace

JsonTerms::JsonTerms(Rules& rules, bool compact) : rules_(rules) {
  struct Between {
    explicit Between(bool compact)
        : open_object(between(R"(\{)", "", compact)),
          close_object(between("", R"(\})", compact)),
          open_list(between(R"(\[)", "", compact)),
          close_list(between("", R"(\])", compact)),
          comma(between(",", "", compact)) {}
    std::shared_ptr<const ByteDfa> open_object, close_object, open_list, close_list, comma;
  };
  static const Between kCompact(true), kWide(false);
  const Between& style = compact ? kCompact : kWide;
  open_object_ = rules.terminal(style.open_object), close_object_ = rules.terminal(style.close_object);
  open_list_ = rules.terminal(style.open_list), close_list_ = rules.terminal(style.close_list);
  comma_ = rules.terminal(style.comma);
  behind_name_ = compact ? rules.nothing() : rules.optional(rules.literal(" "));
}

JsonTerms::Expr JsonTerms::string(const Length& length) const {
  static const auto kDfa = std::make_shared<const ByteDfa>(made_of(kString, true));
  return length.min > length.max ? rules_.never() : rules_.terminal(kDfa, length);
}

JsonTerms::Expr JsonTerms::integer() const {
  static const auto kDfa = std::make_shared<const ByteDfa>(made_of(kInteger));
  return rules_.terminal(kDfa);
}

JsonTerms::Expr JsonTerms::number() const {
  static const auto kDfa = std::make_shared<const ByteDfa>(made_of(kNumber));
  return rules_.terminal(kDfa);
}

JsonTerms::Expr JsonTerms::spelled(const Dfa& characters, std::string_view before, std::string_view after) {
  if (characters.empty()) return rules_.never();
  const auto bytes = over_bytes(characters, Encoding::kJson, before, after, work_);
  if (!bytes) throw TooLarge("a set of strings is too large to follow");
  return rules_.terminal(std::make_shared<ByteDfa>(*bytes));
}

JsonTerms::Expr JsonTerms::string(const Dfa& characters) { return spelled(characters, "\"", "\""); }
JsonTerms::Expr JsonTerms::number(const Dfa& characters) { return spelled(characters, "", ""); }
JsonTerms::Expr JsonTerms::name(const Dfa& characters) {
  return rules_.sequence({spelled(characters, "\"", "\":"), behind_name_});
}
JsonTerms::Expr JsonTerms::name(std::string_view text) { return name(dfa_of({symbols_of_text(text)})); }
JsonTerms::Expr JsonTerms::any_name() const { return rules_.sequence({string(), rules_.literal(":"), behind_name_}); }

JsonTerms::Expr JsonTerms::list_of(Expr element) {
  const Expr more = rules_.repeat(rules_.sequence({comma_, element}), 0, kUnbounded);
  return rules_.sequence(
      {open_list_, rules_.any_of({rules_.literal("]"), rules_.sequence({element, more, close_list_})})});
}

JsonTerms::Expr JsonTerms::any_object() {
  const Expr member = rules_.sequence({any_name(), value()});
  const Expr more = rules_.repeat(rules_.sequence({comma_, member}), 0, kUnbounded);
  return rules_.sequence(
      {open_object_, rules_.any_of({rules_.literal("}"), rules_.sequence({member, more, close_object_})})});
}

JsonTerms::Expr JsonTerms::value() {
  if (value_rule_ == UINT32_MAX) {
    value_rule_ = rules_.add_rule();
    static const auto kWords = std::make_shared<const ByteDfa>(made_of("true|false|null"));
    rules_.define(value_rule_, rules_.any_of({string(), number(), rules_.terminal(kWords),
                                              list_of(rules_.call(value_rule_)), any_object()}));
  }
  return rules_.call(value_rule_);
}

JsonTerms::Expr JsonTerms::any_constant(const std::vector<const Json*>& values) {
  std::vector<std::vector<uint32_t>> strings, words;
  std::vector<Expr> parts;
  for (const Json* value : values) {
    if (value->is_string())
      strings.push_back(symbols_of_text(value->get_ref<const std::string&>()));
    else if (value->is_structured())
      parts.push_back(constant(*value));
    else
      words.push_back(symbols_of_bytes(word(*value)));
  }
  parts.push_back(string(dfa_of(strings)));
  if (!words.empty()) parts.push_back(rules_.terminal(std::make_shared<ByteDfa>(dfa_of(words))));
  return rules_.any_of(std::move(parts));
}

JsonTerms::Expr JsonTerms::constant(const Json& value) {
  if (!value.is_structured()) return any_constant({&value});
  const bool list = value.is_array();
  std::vector<Expr> parts{list ? open_list_ : open_object_};
  for (auto it = value.begin(); it != value.end(); ++it) {
    if (parts.size() > 1) parts.push_back(comma_);
    if (!list) parts.push_back(name(it.key()));
    parts.push_back(constant(*it));
  }
  parts.push_back(value.empty() ? rules_.literal(list ? "]" : "}") : list ? close_list_ : close_object_);
  return rules_.sequence(std::move(parts));
}

}  // namespace maru::text::grammar
