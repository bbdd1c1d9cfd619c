#include "text/chat/answer/json_scanner.h"

#include <fmt/format.h>

#include <cctype>
#include <string_view>

namespace maru::text {
namespace {

constexpr size_t kMaxDepth = 200;  // readers of JSON stop at some depth: what they could not read is none
constexpr size_t kHexDigits = 4, kLongestWord = 400;

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

size_t digits(std::string_view text, size_t at) {
  const size_t begin = at;
  while (at < text.size() && is_digit(text[at])) ++at;
  return at - begin;
}

/// Source   RFC 8259, section 6.
bool is_number(std::string_view text) {
  size_t at = text.starts_with('-') ? 1 : 0;
  const size_t whole = digits(text, at);
  if (whole == 0 || (whole > 1 && text[at] == '0')) return false;
  at += whole;
  if (at < text.size() && text[at] == '.') {
    const size_t fraction = digits(text, ++at);
    if (fraction == 0) return false;
    at += fraction;
  }
  if (at == text.size()) return true;
  if (text[at] != 'e' && text[at] != 'E') return false;
  if (++at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
  const size_t exponent = digits(text, at);
  return exponent > 0 && at + exponent == text.size();
}

bool is_word(std::string_view text) { return text == "true" || text == "false" || text == "null" || is_number(text); }

std::string escaped_control(char c) {
  switch (c) {
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    default: return fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
  }
}

}  // namespace

JsonScanner::Step JsonScanner::put(char c, State next, std::string& to) {
  to += c;
  state_ = next;
  return Step::kMore;
}

JsonScanner::Step JsonScanner::ended() {
  state_ = State::kBehind;
  return open_.empty() ? Step::kDone : Step::kMore;
}

JsonScanner::Step JsonScanner::feed(char c, std::string& to) {
  switch (state_) {
    case State::kString: return string(c, to);
    case State::kEscape:
    case State::kHex: return escape(c, to);
    case State::kWord: return word(c, to);
    default: break;
  }
  if (is_blank(c)) return put(c, state_, to);
  if ((c == '}' || c == ']')) return close(c, to);
  switch (state_) {
    case State::kValue:
    case State::kFirst: return value(c, to);
    case State::kFirstKey:
    case State::kKey: in_key_ = true; return c == '"' ? put(c, State::kString, to) : Step::kBad;
    case State::kColon: return c == ':' ? put(c, State::kValue, to) : Step::kBad;
    default: return c == ',' ? put(c, open_.back() == '{' ? State::kKey : State::kValue, to) : Step::kBad;
  }
}

JsonScanner::Step JsonScanner::value(char c, std::string& to) {
  in_key_ = false;
  if (c == '"') return put(c, State::kString, to);
  if (c == '{' || c == '[') return open(c, to);
  state_ = State::kWord;
  return word(c, to);
}

JsonScanner::Step JsonScanner::open(char c, std::string& to) {
  if (open_.size() == kMaxDepth) return Step::kBad;
  open_ += c;
  return put(c, c == '{' ? State::kFirstKey : State::kFirst, to);
}

JsonScanner::Step JsonScanner::close(char c, std::string& to) {
  const bool may = state_ == State::kBehind || state_ == (c == '}' ? State::kFirstKey : State::kFirst);
  if (!may || open_.empty() || open_.back() != (c == '}' ? '{' : '[')) return Step::kBad;
  open_.pop_back();
  to += c;
  return ended();
}

JsonScanner::Step JsonScanner::string(char c, std::string& to) {
  if (c == '\\') {
    word_ = c;  // held back until the escape is whole
    state_ = State::kEscape;
    return Step::kMore;
  }
  if (static_cast<unsigned char>(c) < 0x20) return to += escaped_control(c), Step::kMore;
  to += c;
  if (c != '"') return Step::kMore;
  if (!in_key_) return ended();
  state_ = State::kColon;
  return Step::kMore;
}

JsonScanner::Step JsonScanner::escape(char c, std::string& to) {
  if (state_ == State::kEscape ? std::string_view("\"\\/bfnrtu").find(c) == std::string_view::npos
                               : std::isxdigit(static_cast<unsigned char>(c)) == 0)
    return Step::kBad;
  word_ += c;
  const bool is_hex = state_ == State::kHex || c == 'u';
  state_ = is_hex && word_.size() < 2 + kHexDigits ? State::kHex : State::kString;
  if (state_ == State::kString) to += word_, word_.clear();
  return Step::kMore;
}

JsonScanner::Step JsonScanner::word(char c, std::string& to) {
  const bool goes_on = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '+' || c == '.';
  if (goes_on) return word_.size() == kLongestWord ? Step::kBad : (word_ += c, Step::kMore);
  if (!is_word(word_)) return Step::kBad;
  to += word_;
  word_.clear();
  state_ = State::kBehind;
  return open_.empty() ? Step::kDoneBefore : feed(c, to);
}

}  // namespace maru::text
