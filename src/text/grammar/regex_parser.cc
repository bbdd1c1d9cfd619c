#include "text/grammar/regex_parser.h"

#include <algorithm>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/excerpt.h"
#include "base/utf8.h"

namespace maru::text::grammar {
namespace {

constexpr uint32_t kEnd = UINT32_MAX;

bool is_digit(uint32_t c) { return c >= '0' && c <= '9'; }
int hex_value(uint32_t c) {
  if (is_digit(c)) return static_cast<int>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<int>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<int>(c - 'A' + 10);
  return -1;
}

const CodePoints& digit_code_points() {
  static const CodePoints kDigits{{'0', '9'}};
  return kDigits;
}

const CodePoints& word_code_points() {
  static const CodePoints kWords{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
  return kWords;
}

const CodePoints& space_code_points() {
  static const CodePoints kSpaces{{'\t', '\r'},     {' ', ' '},       {0xA0, 0xA0},     {0x1680, 0x1680},
                                  {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F},
                                  {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
  return kSpaces;
}

class Parser {
 public:
  Parser(Regular& tree, std::string_view pattern) : tree_(tree) {
    if (pattern.size() > kMaxSourceBytes) fail("expected at most 1 MiB");
    if (!is_valid_utf8(pattern)) fail("expected UTF-8");
    text_ = pattern;
    read();
  }

  Regular::Node run() {
    const Regular::Node all = alternatives(0);
    if (next_ == ')') fail("nothing is open that ) could close");
    return all;
  }

 private:
  [[noreturn]] void fail(const std::string& message) const {
    throw Failure(ErrorCode::kInvalidArgument,
                  "regular expression, character " + std::to_string(count_) + ": " + message);
  }
  [[noreturn]] void unsupported(const std::string& what) const { fail(what + " is not supported"); }

  // `next_` is the character that was not taken yet.
  void read() {
    ++count_;
    at_ = behind_;
    if (at_ >= text_.size()) {
      next_ = kEnd;
      return;
    }
    const Decoded c = decode_utf8(text_.data() + at_, text_.data() + text_.size());
    next_ = c.code_point;
    behind_ = at_ + c.length;
  }
  uint32_t take() {
    const uint32_t c = next_;
    if (c == kEnd) fail("it ends too early");
    read();
    return c;
  }
  bool take(uint32_t c) {
    if (next_ != c) return false;
    read();
    return true;
  }
  bool ahead(std::string_view what) const { return text_.substr(at_).starts_with(what); }

  Regular::Node alternatives(size_t depth) {
    if (depth > kMaxDepth) fail("nested more than " + std::to_string(kMaxDepth) + " deep");
    std::vector<Regular::Node> parts{terms(depth)};
    while (take('|')) parts.push_back(terms(depth));
    return tree_.any_of(std::move(parts));
  }

  Regular::Node terms(size_t depth) {
    std::vector<Regular::Node> parts;
    while (next_ != kEnd && next_ != '|' && next_ != ')') {
      bool repeatable = true;
      const Regular::Node part = atom(depth, repeatable);
      parts.push_back(quantified(part, repeatable));
    }
    return tree_.sequence(std::move(parts));
  }

  Regular::Node atom(size_t depth, bool& repeatable) {
    const uint32_t c = take();
    switch (c) {
      case '^': repeatable = false; return tree_.at_start();
      case '$': repeatable = false; return tree_.at_end();
      case '.': return tree_.chars(without(all_code_points(), {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}}));
      case '(': return group(depth);
      case '[': return tree_.chars(char_class());
      case '*':
      case '+':
      case '?': fail("nothing stands before the quantifier");
      case '\\': return tree_.chars(escape(false));
      default: return tree_.chars(one_code_point(c));
    }
  }

  Regular::Node group(size_t depth) {
    if (take('?')) {
      if (ahead("=") || ahead("!") || ahead("<=") || ahead("<!")) unsupported("lookaround (?=…)");
      if (take('P') || next_ == '<') {
        if (next_ == '=') unsupported("a reference back (?P=…)");
        if (!take('<')) fail("expected (?<name>…)");
        while (take() != '>') {
        }
      } else if (!take(':')) {
        unsupported("a flag or special group (?…");
      }
    }
    const Regular::Node inside = alternatives(depth + 1);
    if (!take(')')) fail("expected ) for a group that is open");
    return inside;
  }

  Regular::Node quantified(Regular::Node part, bool repeatable) {
    uint64_t min = 0, max = kUnbounded;
    if (take('*')) {
    } else if (take('+')) {
      min = 1;
    } else if (take('?')) {
      max = 1;
    } else if (next_ != '{' || !braces(min, max)) {
      return part;
    }
    if (!repeatable) fail("^ and $ cannot be repeated");
    take('?');  // lazy
    if (next_ == '*' || next_ == '+' || next_ == '?' || (next_ == '{' && is_quantifier()))
      fail("two quantifiers stand side by side");
    return tree_.repeat(part, min, max);
  }

  // {2}, {2,} or {2,3}; other braces are plain text, as Python and ECMAScript without u have it.
  bool is_quantifier() const {
    size_t i = at_ + 1, digits = 0;
    while (i < text_.size() && is_digit(static_cast<uint8_t>(text_[i]))) ++i, ++digits;
    if (digits == 0) return false;
    if (i < text_.size() && text_[i] == ',') ++i;
    while (i < text_.size() && is_digit(static_cast<uint8_t>(text_[i]))) ++i;
    return i < text_.size() && text_[i] == '}';
  }
  bool braces(uint64_t& min, uint64_t& max) {
    if (!is_quantifier()) return false;
    take();
    min = number();
    max = min;
    if (take(',')) max = next_ == '}' ? kUnbounded : number();
    take();
    if (max < min) fail("the quantifier's bounds are out of order");
    return true;
  }
  uint64_t number() {
    uint64_t value = 0;
    while (is_digit(next_)) value = std::min<uint64_t>(value * 10 + (take() - '0'), 1'000'000'000);
    return value;
  }

  CodePoints char_class() {
    const bool inverted = take('^');
    CodePoints set;
    while (!take(']')) {
      const CodePoints first = class_member();
      if (next_ != '-' || ahead("-]")) {
        set.insert(set.end(), first.begin(), first.end());
        continue;
      }
      take();
      const CodePoints last = class_member();
      const bool single =
          first.size() == 1 && last.size() == 1 && first[0].low == first[0].high && last[0].low == last[0].high;
      if (!single) fail("a range needs a character on both sides of -");
      if (first[0].low > last[0].low) fail("the range is out of order");
      set.push_back({first[0].low, last[0].low});
    }
    set = without(normalised(std::move(set)), {{0xD800, 0xDFFF}});
    return inverted ? without(all_code_points(), set) : set;
  }
  CodePoints class_member() {
    const uint32_t c = take();
    if (c == '\\') return escape(true);
    if (c == '[' && next_ == ':') unsupported("a POSIX class [:…:]");
    return one_code_point(c);
  }

  CodePoints escape(bool in_class) {
    const uint32_t c = take();
    switch (c) {
      case 'd': return digit_code_points();
      case 'D': return without(all_code_points(), digit_code_points());
      case 'w': return word_code_points();
      case 'W': return without(all_code_points(), word_code_points());
      case 's': return space_code_points();
      case 'S': return without(all_code_points(), space_code_points());
      case 'p':
      case 'P': return property(c == 'P');
      case 't': return one_code_point('\t');
      case 'n': return one_code_point('\n');
      case 'r': return one_code_point('\r');
      case 'f': return one_code_point('\f');
      case 'v': return one_code_point('\v');
      case 'x': return one_code_point(hex(2));
      case 'u': return unicode_escape();
      case 'c': return control();
      case 'b':
        if (in_class) return one_code_point('\b');
        unsupported("\\b");
      case 'B': unsupported("\\B");
      case 'k': unsupported("a reference back \\k");
      case '0':
        if (!is_digit(next_)) return one_code_point(0);
        unsupported("an octal escape");
      default: return plain(c);
    }
  }
  CodePoints plain(uint32_t c) {
    if (is_digit(c)) unsupported("a reference back \\" + std::string(1, static_cast<char>(c)));
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (letter) fail("\\" + std::string(1, static_cast<char>(c)) + " is no escape");
    return one_code_point(c);
  }
  CodePoints control() {
    const uint32_t c = take();
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter) fail("expected a letter after \\c");
    return one_code_point(c % 32);
  }
  uint32_t hex(int digits) {
    uint32_t value = 0;
    for (int i = 0; i < digits; ++i) {
      const int digit = hex_value(take());
      if (digit < 0) fail("expected " + std::to_string(digits) + " hexadecimal digits");
      value = value * 16 + static_cast<uint32_t>(digit);
    }
    return value;
  }
  CodePoints unicode_escape() {
    uint32_t c = 0;
    if (take('{')) {
      for (int digits = 0; !take('}'); ++digits) {
        const int digit = hex_value(take());
        if (digit < 0 || c > 0x10FFFF) fail("expected \\u{…} with the number of a character");
        c = c * 16 + static_cast<uint32_t>(digit);
      }
    } else {
      c = hex(4);
      if (c >= 0xD800 && c < 0xDC00 && ahead("\\u")) {
        take(), take();
        const uint32_t low = hex(4);
        if (low < 0xDC00 || low > 0xDFFF) fail("half of a surrogate pair");
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
      }
    }
    if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) fail("half of a surrogate pair, or no character");
    return one_code_point(c);
  }
  CodePoints property(bool inverted) {
    std::string name;
    if (take('{'))
      for (uint32_t c = take(); c != '}'; c = take()) append_utf8(name, c);
    else
      append_utf8(name, take());
    const auto set = code_points_with(name);
    if (!set) fail("Unicode has no property \"" + excerpt(name) + "\"");
    return inverted ? without(all_code_points(), *set) : *set;
  }

  Regular& tree_;
  std::string_view text_;
  size_t at_ = 0, behind_ = 0;
  size_t count_ = 0;
  uint32_t next_ = kEnd;
};

}  // namespace

Regular::Node parse_regex(Regular& tree, std::string_view pattern) { return Parser(tree, pattern).run(); }

}  // namespace maru::text::grammar
