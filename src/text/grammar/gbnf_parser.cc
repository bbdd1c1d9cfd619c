#include "text/grammar/gbnf_parser.h"

#include <map>

#include "base/error.h"
#include "base/excerpt.h"
#include "base/utf8.h"

namespace maru::text::grammar {
namespace {

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Parser {
 public:
  explicit Parser(std::string_view source) : source_(source) {}

  Gbnf run() {
    if (source_.size() > kMaxSourceBytes) fail("expected at most 1 MiB");
    if (!is_valid_utf8(source_)) fail("expected UTF-8");
    for (skip_space(); at_ < source_.size(); skip_space()) definition();
    for (const auto& [name, rule] : numbers_)
      if (!rule.defined) line_ = rule.line, fail("the rule \"" + name + "\" is not defined");
    const auto root = numbers_.find("root");
    if (root == numbers_.end()) line_ = 1, fail("expected a rule named \"root\"");
    made_.root = root->second.number;
    return std::move(made_);
  }

 private:
  struct Rule {
    uint32_t number = 0;
    size_t line = 0;
    bool defined = false;
  };

  [[noreturn]] void fail(const std::string& message) const {
    throw Failure(ErrorCode::kInvalidArgument, "grammar, line " + std::to_string(line_) + ": " + message);
  }
  char peek(size_t ahead = 0) const { return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0'; }
  bool ahead(std::string_view what) const { return source_.substr(at_).starts_with(what); }
  void skip_space() {
    for (; at_ < source_.size(); ++at_) {
      const char c = source_[at_];
      if (c == '#') {
        at_ = std::min(source_.find('\n', at_), source_.size());
        if (at_ == source_.size()) return;
      } else if (c != ' ' && c != '\t' && c != '\r' && c != '\n') {
        return;
      }
      if (source_[at_] == '\n') ++line_;
    }
  }
  std::string name() {
    const size_t begin = at_;
    while (is_name(peek())) ++at_;
    if (at_ - begin > 200) fail("the name of a rule is too long");
    return std::string(source_.substr(begin, at_ - begin));
  }
  // Whether a rule's definition begins here: only that ends the one before, wherever its lines do.
  bool at_definition() {
    const size_t at = at_, line = line_;
    while (is_name(peek())) ++at_;
    const bool named = at_ > at;
    skip_space();
    const bool defines = named && ahead("::=");
    at_ = at, line_ = line;
    return defines;
  }

  void definition() {
    if (peek() == '%' || peek() == '?' || peek() == '!') fail("Lark grammars are not supported");
    if (!is_name(peek())) fail("expected a rule: name ::= …, got \"" + excerpt(source_.substr(at_), 20) + "\"");
    const size_t line = line_;
    const std::string left = name();
    skip_space();
    if (peek() == ':' && !ahead("::=")) fail("expected ::= behind the name (Lark grammars are not supported)");
    if (!ahead("::=")) fail("expected ::= behind the name \"" + left + "\"");
    at_ += 3;
    Rule& rule = rule_of(left, line);
    if (rule.defined) fail("the rule \"" + left + "\" is defined twice");
    rule.defined = true;
    const uint32_t number = rule.number;
    const uint32_t body = alternatives(0);
    made_.rules[number] = body;
    skip_space();
    if (peek() == ')') fail("nothing is open that ) could close");
  }
  Rule& rule_of(const std::string& name, size_t line) {
    const auto [it, is_new] = numbers_.try_emplace(name, Rule{static_cast<uint32_t>(made_.rules.size()), line});
    if (is_new) {
      if (made_.rules.size() >= kMaxRules / 2) fail("too many rules");
      made_.rules.push_back(0);
    }
    return it->second;
  }

  uint32_t add(Gbnf::Node node) {
    for (const uint32_t part : node.parts) node.depth = std::max(node.depth, made_.nodes[part].depth + 1);
    made_.nodes.push_back(std::move(node));
    return static_cast<uint32_t>(made_.nodes.size() - 1);
  }
  uint32_t alternatives(size_t depth) {
    if (depth > kMaxDepth) fail("nested more than " + std::to_string(kMaxDepth) + " deep");
    std::vector<uint32_t> parts{terms(depth)};
    for (skip_space(); peek() == '|'; skip_space()) {
      ++at_;
      parts.push_back(terms(depth));
    }
    return parts.size() == 1 ? parts[0] : add({.kind = Gbnf::Kind::kAnyOf, .parts = std::move(parts)});
  }
  uint32_t terms(size_t depth) {
    std::vector<uint32_t> parts;
    for (skip_space(); at_ < source_.size() && peek() != '|' && peek() != ')' && !at_definition(); skip_space())
      parts.push_back(repeated(term(depth)));
    return parts.size() == 1 ? parts[0] : add({.kind = Gbnf::Kind::kSequence, .parts = std::move(parts)});
  }
  uint32_t term(size_t depth) {
    const char c = peek();
    if (c == '(') {
      ++at_;
      if (peek() == '=') fail("lookahead (=…) is not supported");
      const uint32_t inside = alternatives(depth + 1);
      skip_space();
      if (peek() != ')') fail("expected ) for a group that is open");
      ++at_;
      return inside;
    }
    if (c == '"' || c == '\'') return text(literal(c));
    if (c == '[') return text(made_.tree.chars(char_class()));
    if (c == '.') return ++at_, text(made_.tree.chars(all_code_points()));
    if (c == '<') fail("tokens (<…>) are not supported");
    if (!is_name(c))
      fail("expected a text, a class, a group or a rule, got \"" + excerpt(source_.substr(at_), 20) + "\"");
    const std::string called = name();
    return add({.kind = Gbnf::Kind::kRule, .rule = rule_of(called, line_).number});
  }
  uint32_t text(Regular::Node node) { return add({.kind = Gbnf::Kind::kText, .text = node}); }

  uint32_t repeated(uint32_t part) {
    for (;;) {
      uint64_t min = 0, max = kUnbounded;
      const char c = peek();
      if (c == '{') {
        ++at_, skip_space();
        min = number(), skip_space();
        max = min;
        if (peek() == ',') ++at_, skip_space(), max = is_digit(peek()) ? number() : kUnbounded, skip_space();
        if (peek() != '}') fail("expected {2}, {2,} or {2,3}");
        if (max < min) fail("the bounds of {…} are out of order");
      } else if (c == '+') {
        min = 1;
      } else if (c == '?') {
        max = 1;
      } else if (c != '*') {
        return part;
      }
      ++at_;
      part = add({.kind = Gbnf::Kind::kRepeat, .parts = {part}, .min = min, .max = max});
      if (made_.nodes[part].depth > 2 * kMaxDepth) fail("too many repetitions of repetitions");
    }
  }
  uint64_t number() {
    if (!is_digit(peek())) fail("expected {2}, {2,} or {2,3}");
    uint64_t value = 0;
    for (; is_digit(peek()); ++at_)
      value = std::min<uint64_t>(value * 10 + static_cast<uint64_t>(peek() - '0'), 1'000'000'000);
    return value;
  }

  uint32_t character(char closes) {
    if (at_ >= source_.size() || (peek() == '\n' && closes != ']')) fail("a text or class is not closed");
    if (peek() == '\\') return escape();
    const Decoded c = decode_utf8(source_.data() + at_, source_.data() + source_.size());
    at_ += c.length;
    return c.code_point;
  }
  uint32_t escape() {
    const char c = peek(1);
    at_ += 2;
    switch (c) {
      case 'n': return '\n';
      case 't': return '\t';
      case 'r': return '\r';
      case 'x': return hex(2);
      case 'u': return hex(4);
      case 'U': return hex(8);
      case '\\':
      case '"':
      case '\'':
      case '[':
      case ']':
      case '^':
      case '-':
      case '/': return static_cast<uint32_t>(c);
      default: fail("\\" + excerpt(std::string(1, c)) + " is no escape");
    }
  }
  uint32_t hex(int digits) {
    uint64_t value = 0;
    for (int i = 0; i < digits; ++i, ++at_) {
      const size_t digit = std::string_view("0123456789abcdef").find(static_cast<char>(peek() | 0x20));
      if (digit >= 16) fail("expected " + std::to_string(digits) + " hexadecimal digits");
      value = value * 16 + digit;
    }
    if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) fail("an escape that is no character");
    return static_cast<uint32_t>(value);
  }
  Regular::Node literal(char quote) {
    ++at_;
    std::vector<Regular::Node> parts;
    while (peek() != quote) parts.push_back(made_.tree.chars(one_code_point(character(quote))));
    ++at_;
    return made_.tree.sequence(std::move(parts));
  }
  CodePoints char_class() {
    ++at_;
    const bool inverted = peek() == '^';
    if (inverted) ++at_;
    CodePoints set;
    while (peek() != ']') {
      const uint32_t low = character(']');
      uint32_t high = low;
      if (peek() == '-' && peek(1) != ']') ++at_, high = character(']');
      if (high < low) fail("a range is out of order");
      set.push_back({low, high});
    }
    ++at_;
    set = without(normalised(std::move(set)), {{0xD800, 0xDFFF}});
    return inverted ? without(all_code_points(), set) : set;
  }

  std::string_view source_;
  size_t at_ = 0, line_ = 1;
  Gbnf made_;
  std::map<std::string, Rule> numbers_;
};

}  // namespace

Gbnf parse_gbnf(std::string_view source) { return Parser(source).run(); }

}  // namespace maru::text::grammar
