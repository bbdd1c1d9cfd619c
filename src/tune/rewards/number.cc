#include <algorithm>
#include <charconv>
#include <cmath>

#include "tune/rewards/rules.h"

namespace maru::tune {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

/// Where the number that begins with a digit at `at` ends; its text without commas in `digits`.
size_t read_number(std::string_view text, size_t at, std::string& digits) {
  const auto digit_at = [&](size_t i) { return i < text.size() && is_digit(text[i]); };
  // A comma stands before three digits, and no fourth.
  const auto is_group = [&](size_t i) {
    return i < text.size() && text[i] == ',' && digit_at(i + 1) && digit_at(i + 2) && digit_at(i + 3) &&
           !digit_at(i + 4);
  };
  while (digit_at(at) || is_group(at)) {
    if (is_digit(text[at])) digits += text[at];
    ++at;
  }
  if (at < text.size() && text[at] == '.' && digit_at(at + 1)) {
    digits += text[at++];
    while (digit_at(at)) digits += text[at++];
  }
  const bool exponent = at < text.size() && (text[at] == 'e' || text[at] == 'E');
  const size_t sign = at + 1 < text.size() && (text[at + 1] == '-' || text[at + 1] == '+') ? 1 : 0;
  if (!exponent || !digit_at(at + 1 + sign)) return at;
  digits += 'e';
  if (sign == 1 && text[at + 1] == '-') digits += '-';
  for (at += 1 + sign; digit_at(at); ++at) digits += text[at];
  return at;
}

bool begins_number(std::string_view text, size_t at) {
  return is_digit(text[at]) && (at == 0 || (!is_letter(text[at - 1]) && !is_digit(text[at - 1])));
}

// A minus behind a letter, a digit or a bracket takes away, or joins words.
bool is_negative(std::string_view text, size_t at) {
  if (at == 0 || text[at - 1] != '-') return false;
  return at == 1 || !(is_digit(text[at - 2]) || is_letter(text[at - 2]) || text[at - 2] == ')');
}

}  // namespace

std::optional<double> last_number(std::string_view text) {
  std::optional<double> last;
  for (size_t at = 0; at < text.size();) {
    if (!begins_number(text, at)) {
      ++at;
      continue;
    }
    std::string digits = is_negative(text, at) ? "-" : "";
    at = read_number(text, at, digits);
    double value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error == std::errc() && end == digits.data() + digits.size()) last = value;
  }
  return last;
}

double number_reward(std::string_view answer, double expected) {
  const std::optional<double> said = last_number(answer);
  return said && std::abs(*said - expected) <= 1e-9 * std::max(std::abs(*said), std::abs(expected)) ? 1 : 0;
}

}  // namespace maru::tune
