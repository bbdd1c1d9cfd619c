#include "text/chat/jinja/lexer.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "text/chat/jinja/string_literal.h"
#include "text/chat/jinja/utf8.h"

namespace maru::text::jinja {
namespace {

constexpr size_t kNone = std::string_view::npos;
constexpr std::array<std::string_view, 26> kOperators{"//", "**", "==", "!=", ">=", "<=", "+", "-", "/",
                                                      "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                                      ">",  "<",  "=",  ".",  ":",  "|",  ",", ";"};

// All line ends become \n, and one at the very end is dropped.
std::string normalised(std::string_view source) {
  std::string text;
  for (size_t i = 0; i < source.size(); ++i) {
    const bool cr = source[i] == '\r';
    if (cr && i + 1 < source.size() && source[i + 1] == '\n') continue;
    text += cr ? '\n' : source[i];
  }
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_octal(char c) { return c >= '0' && c <= '7'; }
bool is_binary(char c) { return c == '0' || c == '1'; }

class Lexer {
 public:
  Lexer(std::string_view source, std::string_view name) : source_(normalised(source)), name_(name) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) lex_root();
    add(TokenKind::kEnd, "");
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void fail(const std::string& message) const {
    throw Failure(ErrorCode::kInvalidArgument, name_ + ":" + std::to_string(line_) + ": " + message);
  }
  char peek(size_t ahead = 0) const { return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0'; }
  bool starts(std::string_view what) const { return std::string_view(source_).substr(at_).starts_with(what); }
  void add(TokenKind kind, std::string text) { tokens_.push_back({kind, std::move(text), line_}); }

  /// Moves on, counting lines.
  void advance(size_t to) {
    line_ += static_cast<int>(
        std::count(source_.begin() + static_cast<ptrdiff_t>(at_), source_.begin() + static_cast<ptrdiff_t>(to), '\n'));
    line_starting_ = to > at_ ? source_[to - 1] == '\n' : line_starting_;
    at_ = to;
  }

  size_t skip_space(size_t from) const {
    while (from < source_.size()) {
      const Character c = character_at(source_, from);
      if (!is_space(c.code_point)) break;
      from += c.length;
    }
    return from;
  }

  /// The end of `text` without the white space at its end, but not before `floor`.
  static size_t strip_end(std::string_view text, size_t floor) {
    size_t end = floor;
    for (size_t i = floor; i < text.size();) {
      const Character c = character_at(text, i);
      i += c.length;
      if (!is_space(c.code_point)) end = i;
    }
    return end;
  }

  /// Plain text up to a tag that begins at `tag` with `sign` behind its two characters.
  void add_data(size_t tag, char sign, bool is_print) {
    const std::string_view text = std::string_view(source_).substr(at_, tag - at_);
    size_t end = text.size();
    if (sign == '-') {
      end = strip_end(text, 0);
    } else if (sign != '+' && !is_print) {
      const size_t newline = text.rfind('\n');
      const size_t line_begin = newline == kNone ? 0 : newline + 1;
      if ((newline != kNone || line_starting_) && strip_end(text, line_begin) == line_begin) end = line_begin;
    }
    if (end > 0) add(TokenKind::kData, std::string(text.substr(0, end)));
    advance(tag);
  }

  size_t find_tag() const {
    for (size_t i = source_.find('{', at_); i != kNone; i = source_.find('{', i + 1))
      if (i + 1 < source_.size() && (source_[i + 1] == '%' || source_[i + 1] == '{' || source_[i + 1] == '#')) return i;
    return kNone;
  }

  void lex_root() {
    const size_t tag = find_tag();
    if (tag == kNone) {
      add(TokenKind::kData, source_.substr(at_));
      return advance(source_.size());
    }
    const char kind = source_[tag + 1];
    const char next = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
    const char sign = next == '-' || next == '+' ? next : '\0';
    const size_t inside = tag + (sign != '\0' ? 3 : 2);
    add_data(tag, sign, kind == '{');
    if (kind == '#') return lex_comment(inside);
    if (const size_t raw = kind == '%' ? raw_begin(inside) : kNone; raw != kNone) return lex_raw(raw);
    add(kind == '%' ? TokenKind::kBlockBegin : TokenKind::kPrintBegin, "");
    advance(inside);
    lex_code(kind == '%');
  }

  /// The end of a closing "%}" or "#}" at `from`, with its white space; none: something else stands there.
  size_t end_of(size_t from, std::string_view close, bool trims) const {
    const std::string_view rest = std::string_view(source_).substr(from);
    if (rest.starts_with('-') && rest.substr(1).starts_with(close)) return skip_space(from + 1 + close.size());
    if (trims && rest.starts_with('+') && rest.substr(1).starts_with(close)) return from + 1 + close.size();
    if (!rest.starts_with(close)) return kNone;
    const size_t end = from + close.size();
    return trims && end < source_.size() && source_[end] == '\n' ? end + 1 : end;
  }

  void lex_comment(size_t inside) {
    for (size_t i = source_.find("#}", inside); i != kNone;) {
      const bool signed_end = i > inside && (source_[i - 1] == '-' || source_[i - 1] == '+');
      return advance(end_of(signed_end ? i - 1 : i, "#}", true));
    }
    fail("the comment has no end: expected #}");
  }

  /// Where the text of a raw block begins, or none.
  size_t raw_begin(size_t inside) const {
    const size_t word = skip_space(inside);
    if (source_.compare(word, 3, "raw") != 0) return kNone;
    const size_t close = skip_space(word + 3);
    if (source_.compare(close, 3, "-%}") == 0) return skip_space(close + 3);
    return source_.compare(close, 2, "%}") == 0 ? close + 2 : kNone;
  }

  /// The end of "{% endraw %}" at `from`, or none.
  size_t raw_end(size_t from, char sign) const {
    const size_t word = skip_space(from + (sign != '\0' ? 3 : 2));
    if (source_.compare(word, 6, "endraw") != 0) return kNone;
    return end_of(skip_space(word + 6), "%}", true);
  }

  void lex_raw(size_t text) {
    advance(text);
    if (text == source_.size()) return;
    for (size_t i = source_.find("{%", text); i != kNone; i = source_.find("{%", i + 1)) {
      const char next = i + 2 < source_.size() ? source_[i + 2] : '\0';
      const char sign = next == '-' || next == '+' ? next : '\0';
      const size_t end = raw_end(i, sign);
      if (end == kNone) continue;
      add_data(i, sign, false);
      return advance(end);
    }
    fail("the raw block has no end: expected {% endraw %}");
  }

  void lex_code(bool block) {
    open_.clear();
    while (at_ < source_.size()) {
      const size_t end = open_.empty() ? end_of(at_, block ? "%}" : "}}", block) : kNone;
      if (end != kNone) {
        add(block ? TokenKind::kBlockEnd : TokenKind::kPrintEnd, "");
        return advance(end);
      }
      lex_token();
    }
    fail(std::string("the template ends inside a tag: expected ") + (block ? "%}" : "}}"));
  }

  void lex_token() {
    const Character c = character_at(source_, at_);
    if (is_space(c.code_point)) return advance(at_ + c.length);
    if (is_digit(peek())) return lex_number();
    if (c.code_point == '\'' || c.code_point == '"') return lex_string();
    if (is_identifier_start(c.code_point)) return lex_name();
    lex_operator();
  }

  void lex_name() {
    size_t end = at_;
    while (end < source_.size()) {
      const Character c = character_at(source_, end);
      if (!is_identifier_part(c.code_point)) break;
      end += c.length;
    }
    add(TokenKind::kName, source_.substr(at_, end - at_));
    advance(end);
  }

  void lex_string() {
    const char quote = peek();
    size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) fail(std::string("the string has no end: expected ") + quote);
    Result<std::string> value = unescape(std::string_view(source_).substr(at_ + 1, end - at_ - 1));
    if (!value) fail(value.error().message);
    add(TokenKind::kString, std::move(*value));
    advance(end + 1);
  }

  /// The end of a run of digits with single underscores between them.
  template <class Digit>
  size_t digits_end(size_t from, Digit digit) const {
    size_t end = from;
    while (end < source_.size()) {
      const size_t next = source_[end] == '_' && end > from ? end + 1 : end;
      if (next >= source_.size() || !digit(source_[next])) break;
      end = next + 1;
    }
    return end;
  }

  void lex_number() {
    const bool after_dot = at_ > 0 && source_[at_ - 1] == '.';
    const size_t whole = digits_end(at_, is_digit);
    size_t end = whole;
    if (!after_dot && end + 1 < source_.size() && source_[end] == '.' && is_digit(source_[end + 1]))
      end = digits_end(end + 1, is_digit);
    if (!after_dot && end < source_.size() && (source_[end] == 'e' || source_[end] == 'E')) {
      const size_t digits =
          end + 1 + (end + 1 < source_.size() && (source_[end + 1] == '+' || source_[end + 1] == '-'));
      if (digits < source_.size() && is_digit(source_[digits])) end = digits_end(digits, is_digit);
    }
    const bool real = end > whole;
    if (!real) end = integer_end();
    std::string text = source_.substr(at_, end - at_);
    std::erase(text, '_');
    add(real ? TokenKind::kFloat : TokenKind::kInteger, std::move(text));
    advance(end);
  }

  size_t integer_end() const {
    const char base = peek() == '0' ? static_cast<char>(peek(1) | 0x20) : '\0';
    const size_t from = at_ + 2;
    const auto based = [&](auto digit) {
      const size_t start = from < source_.size() && source_[from] == '_' ? from + 1 : from;
      const size_t end = digits_end(start, digit);
      return end > start ? end : at_ + 1;
    };
    if (base == 'x') return based(is_hex);
    if (base == 'o') return based(is_octal);
    if (base == 'b') return based(is_binary);
    if (peek() == '0') return digits_end(at_, [](char c) { return c == '0'; });
    return digits_end(at_, is_digit);
  }

  void lex_operator() {
    const auto it = std::find_if(kOperators.begin(), kOperators.end(), [&](std::string_view op) { return starts(op); });
    if (it == kOperators.end()) {
      const Character c = character_at(source_, at_);
      fail("unexpected character '" + source_.substr(at_, c.length) + "'");
    }
    check_balance(it->front());
    add(TokenKind::kOperator, std::string(*it));
    advance(at_ + it->size());
  }

  void check_balance(char c) {
    if (c == '(') open_ += ')';
    if (c == '[') open_ += ']';
    if (c == '{') open_ += '}';
    if (c != ')' && c != ']' && c != '}') return;
    if (open_.empty()) fail(std::string("unexpected '") + c + "'");
    if (open_.back() != c) fail(std::string("unexpected '") + c + "', expected '" + open_.back() + "'");
    open_.pop_back();
  }

  const std::string source_, name_;
  std::vector<Token> tokens_;
  std::string open_;  // the brackets that are still to be closed
  size_t at_ = 0;
  int line_ = 1;
  bool line_starting_ = true;
};

}  // namespace

std::string Token::described() const {
  switch (kind) {
    case TokenKind::kData: return "text";
    case TokenKind::kPrintBegin: return "{{";
    case TokenKind::kPrintEnd: return "}}";
    case TokenKind::kBlockBegin: return "{%";
    case TokenKind::kBlockEnd: return "%}";
    case TokenKind::kString: return "a string";
    case TokenKind::kEnd: return "the end of the template";
    default: return "'" + text + "'";
  }
}

std::vector<Token> tokenize(std::string_view source, std::string_view name) { return Lexer(source, name).run(); }

}  // namespace maru::text::jinja
