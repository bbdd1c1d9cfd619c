#include "data/pii.h"

#include <algorithm>
#include <optional>

namespace maru::data {
namespace {

struct Match {
  size_t begin, end;
  PiiKind kind;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
int value_of(char c) { return c - '0'; }

/// A position in the text that reads forward and remembers the digits it passed.
class Cursor {
 public:
  Cursor(std::string_view text, size_t at) : text_(text), at_(at) {}
  size_t at() const { return at_; }
  const std::string& digits() const { return digits_; }
  char peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  /// Passes exactly `n` digits.
  bool digits(size_t n) {
    for (size_t i = 0; i < n; ++i)
      if (!is_digit(peek(i))) return false;
    digits_.append(text_.substr(at_, n));
    at_ += n;
    return true;
  }
  bool literal(std::string_view what) {
    const bool there = text_.substr(at_).starts_with(what);
    if (there) at_ += what.size();
    return there;
  }
  /// Passes one of `marks`, with spaces around it; a single space alone counts too if `marks` has one.
  bool separator(std::string_view marks) {
    size_t n = peek() == ' ' && marks.find(peek(1)) != std::string_view::npos && !is_digit(peek(1)) ? 1 : 0;
    if (peek(n) == '\0' || marks.find(peek(n)) == std::string_view::npos) return false;
    ++n;
    if (peek(n) == ' ' && peek(n - 1) != ' ') ++n;
    at_ += n;
    return true;
  }
  size_t digits_ahead() const {
    size_t n = 0;
    while (n < 32 && is_digit(peek(n))) ++n;
    return n;
  }
  /// No further digit, nor one behind a hyphen or a full stop: then it is part of something longer.
  bool at_end() const { return !is_digit(peek()) && !((peek() == '-' || peek() == '.') && is_digit(peek(1))); }

 private:
  std::string_view text_;
  size_t at_;
  std::string digits_;
};

// The other side of Cursor::at_end.
bool can_start(std::string_view text, size_t at) {
  if (at == 0) return true;
  const char before = text[at - 1];
  if (is_digit(before) || is_alpha(before) || before == '_') return false;
  const bool joint = before == '-' || before == '.' || before == '/' || before == '+' || before == '=';
  return !joint || at < 2 || !is_digit(text[at - 2]);
}

bool has_context(std::string_view text, size_t at, std::initializer_list<std::string_view> words) {
  const size_t begin = at > 40 ? at - 40 : 0;
  const std::string_view before = text.substr(begin, at - begin);
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return before.find(word) != std::string_view::npos; });
}

int weighted_sum(std::string_view digits) {
  int sum = 0;
  for (int i = 0; i < 12; ++i) sum += value_of(digits[static_cast<size_t>(i)]) * (2 + i % 8);
  return sum;
}

bool is_foreigner(std::string_view digits) { return digits[6] >= '5' && digits[6] <= '8'; }

int year_of_birth(std::string_view digits) {
  const int year = 10 * value_of(digits[0]) + value_of(digits[1]);
  switch (digits[6]) {
    case '1':
    case '2':
    case '5':
    case '6': return 1900 + year;
    case '3':
    case '4':
    case '7':
    case '8': return 2000 + year;
    default: return 1800 + year;  // 9 and 0
  }
}

bool is_born_since_reform(std::string_view digits) {
  const int month = 10 * value_of(digits[2]) + value_of(digits[3]);
  const int year = year_of_birth(digits);
  return year > 2020 || (year == 2020 && month >= 10);
}

std::optional<Match> match_resident_number(std::string_view text, size_t at) {
  Cursor c(text, at);
  if (!c.digits(6)) return std::nullopt;
  const bool separated = c.separator("-");
  if (!c.digits(7) || !c.at_end() || !has_plausible_birth_date(c.digits())) return std::nullopt;
  const std::string& digits = c.digits();
  const bool sure = separated || has_resident_check_digit(digits) || is_born_since_reform(digits) ||
                    has_context(text, at, {"주민", "등록번호", "외국인"});
  if (!sure) return std::nullopt;
  return Match{at, c.at(), is_foreigner(digits) ? PiiKind::kForeignerNumber : PiiKind::kResidentNumber};
}

// The last two groups: 3 or 4 digits, a separator, 4 digits.
bool subscriber(Cursor& c, std::string_view separators, bool separator_needed) {
  const size_t run = c.digits_ahead();
  if (run == 7 || run == 8) return !separator_needed && c.digits(run);
  return (run == 3 || run == 4) && c.digits(run) && c.separator(separators) && c.digits(4);
}

// The number behind the leading 0 (or behind +82): 10…, 2…, 31…, 70…, 50N….
std::optional<size_t> match_phone_body(Cursor c, bool international) {
  constexpr std::string_view kSeparators = "-.) ";
  const auto one_of = [&](size_t ahead, std::string_view set) {
    return c.peek(ahead) != '\0' && set.find(c.peek(ahead)) != std::string_view::npos;
  };
  const bool mobile = c.peek() == '1' && one_of(1, "016789");
  const bool seoul = c.peek() == '2';
  const bool virtual_number = c.peek() == '5' && c.peek(1) == '0' && one_of(2, "234567");
  const bool area = (one_of(0, "3456") && one_of(1, "12345")) || (one_of(0, "78") && c.peek(1) == '0');
  if (!mobile && !seoul && !virtual_number && !area) return std::nullopt;
  c.digits(seoul ? 1 : virtual_number ? 3 : 2);
  // Without separators a landline looks like any number, unless +82 stands in front.
  const bool separated = c.separator(kSeparators);
  const bool plain_allowed = mobile || international;
  if (!separated && !plain_allowed) return std::nullopt;
  if (!subscriber(c, kSeparators, !plain_allowed && !separated) || !c.at_end()) return std::nullopt;
  return c.at();
}

std::optional<Match> match_phone(std::string_view text, size_t at) {
  Cursor c(text, at);
  const bool international = c.literal("+82") || c.literal("0082");
  if (international) {
    c.separator("- .");
    if (!c.literal("(0)")) c.literal("0");
    c.separator("- .");
  } else {
    c.literal("(");
    if (!c.literal("0")) return std::nullopt;
  }
  const auto end = match_phone_body(c, international);
  return end ? std::optional(Match{at, *end, PiiKind::kPhone}) : std::nullopt;
}

bool is_card_prefix(std::string_view d) {
  const int four = 1000 * value_of(d[0]) + 100 * value_of(d[1]) + 10 * value_of(d[2]) + value_of(d[3]);
  const auto length_is = [&](std::initializer_list<size_t> lengths) {
    return std::find(lengths.begin(), lengths.end(), d.size()) != lengths.end();
  };
  switch (d[0]) {
    case '2': return four >= 2221 && four <= 2720 && length_is({16});
    case '3':
      if (d[1] == '4' || d[1] == '7') return length_is({15});
      return d[1] == '5' ? length_is({16}) : (d[1] == '6' || d[1] == '8') && length_is({14});
    case '4': return length_is({13, 16, 19});
    case '5': return d[1] >= '1' && d[1] <= '5' && length_is({16});
    case '6': return length_is({16, 17, 18, 19});
    case '9': return length_is({16});  // Korean domestic cards
    default: return false;
  }
}

// Plain digits, 4-4-4-4, or 4-6-5, with the same separator throughout.
std::optional<Match> match_card(std::string_view text, size_t at) {
  Cursor c(text, at);
  const size_t run = c.digits_ahead();
  if (run >= 13 && run <= 19) {
    c.digits(run);
  } else {
    if (run != 4 || !c.digits(4)) return std::nullopt;
    const char mark = c.peek();
    if (mark != '-' && mark != ' ') return std::nullopt;
    const std::string separator(1, mark);
    c.literal(separator);
    const bool amex = c.digits_ahead() == 6;
    const bool grouped =
        amex ? c.digits(6) && c.literal(separator) && c.digits(5)
             : c.digits(4) && c.literal(separator) && c.digits(4) && c.literal(separator) && c.digits(4);
    if (!grouped) return std::nullopt;
  }
  if (!c.at_end() || !is_card_prefix(c.digits()) || !has_luhn_check_digit(c.digits())) return std::nullopt;
  return Match{at, c.at(), PiiKind::kCard};
}

std::optional<Match> match_us_ssn(std::string_view text, size_t at) {
  Cursor c(text, at);
  if (!(c.digits(3) && c.literal("-") && c.digits(2) && c.literal("-") && c.digits(4) && c.at_end()))
    return std::nullopt;
  const std::string& d = c.digits();
  const bool impossible =
      d.starts_with("000") || d.starts_with("666") || d[0] == '9' || d.substr(3, 2) == "00" || d.substr(5) == "0000";
  return impossible ? std::nullopt : std::optional(Match{at, c.at(), PiiKind::kUsSsn});
}

bool is_public(const std::array<int, 4>& ip) {
  const bool is_private = ip[0] == 10 || (ip[0] == 172 && ip[1] >= 16 && ip[1] <= 31) || (ip[0] == 192 && ip[1] == 168);
  const bool documentation = (ip[0] == 192 && ip[1] == 0 && ip[2] == 2) ||
                             (ip[0] == 198 && ip[1] == 51 && ip[2] == 100) ||
                             (ip[0] == 203 && ip[1] == 0 && ip[2] == 113);
  return !is_private && !documentation && ip[0] != 0 && ip[0] != 127 && ip[0] < 224 && !(ip[0] == 169 && ip[1] == 254);
}

std::optional<Match> match_ipv4(std::string_view text, size_t at) {
  Cursor c(text, at);
  std::array<int, 4> parts{};
  for (size_t i = 0; i < 4; ++i) {
    const size_t run = c.digits_ahead();
    if ((i > 0 && !c.literal(".")) || run > 3) return std::nullopt;
    const size_t n = c.digits_ahead();
    if (n == 0 || n > 3 || (n > 1 && c.peek() == '0')) return std::nullopt;
    for (size_t k = 0; k < n; ++k) parts[i] = 10 * parts[i] + value_of(c.peek(k));
    if (parts[i] > 255) return std::nullopt;
    c.digits(n);
  }
  return c.at_end() && is_public(parts) ? std::optional(Match{at, c.at(), PiiKind::kIpv4}) : std::nullopt;
}

bool is_local_character(char c) {
  return is_alpha(c) || is_digit(c) || c == '.' || c == '_' || c == '%' || c == '+' || c == '-';
}

bool is_reserved_domain(std::string_view domain) {
  std::string lower(domain);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  for (const std::string_view name : {"example.com", "example.org", "example.net", "example.co.kr", "example.kr"})
    if (lower == name || (lower.ends_with(name) && lower[lower.size() - name.size() - 1] == '.')) return true;
  return lower.ends_with(".example") || lower.ends_with(".test") || lower.ends_with(".invalid") ||
         lower.ends_with(".localhost");
}

// The domain behind '@': labels joined by full stops, the last one of letters; 0 if there is none.
size_t end_of_domain(std::string_view text, size_t begin) {
  size_t end = begin, last_dot = 0;
  while (end < text.size() && end - begin < 254 &&
         (is_alpha(text[end]) || is_digit(text[end]) || text[end] == '-' || text[end] == '.')) {
    if (text[end] == '.' && (end == begin || text[end - 1] == '.')) break;
    if (text[end] == '.') last_dot = end;
    ++end;
  }
  while (end > begin && (text[end - 1] == '.' || text[end - 1] == '-')) --end;
  if (last_dot + 1 >= end) last_dot = text.substr(0, end).rfind('.');
  if (last_dot == std::string_view::npos || last_dot <= begin || end - last_dot < 3) return 0;
  return std::all_of(text.begin() + static_cast<std::ptrdiff_t>(last_dot) + 1,
                     text.begin() + static_cast<std::ptrdiff_t>(end), is_alpha)
             ? end
             : 0;
}

// `at` is the '@'; what was already copied (before `from`) is not looked at again.
std::optional<Match> match_email(std::string_view text, size_t at, size_t from) {
  size_t begin = at;
  while (begin > from && at - begin < 64 && is_local_character(text[begin - 1])) --begin;
  while (begin < at && text[begin] == '.') ++begin;
  const size_t end = end_of_domain(text, at + 1);
  if (begin == at || end == 0 || is_reserved_domain(text.substr(at + 1, end - at - 1))) return std::nullopt;
  return Match{begin, end, PiiKind::kEmail};
}

class Redactor {
 public:
  Redactor(std::string_view text, const PiiConfig& config, PiiCounts& counts)
      : text_(text), config_(config), counts_(counts) {}

  std::string run() {
    for (size_t at = 0; at < text_.size();) {
      const auto match = match_at(at);
      at = match ? replace(*match) : at + 1;
    }
    out_ += text_.substr(copied_);
    return std::move(out_);
  }

 private:
  std::optional<Match> match_at(size_t at) const {
    const char c = text_[at];
    if (c == '@') return config_.emails ? match_email(text_, at, copied_) : std::nullopt;
    if ((!is_digit(c) && c != '+' && c != '(') || !can_start(text_, at)) return std::nullopt;
    std::optional<Match> match;
    if (config_.resident_numbers) match = match_resident_number(text_, at);
    if (!match && config_.phones) match = match_phone(text_, at);
    if (!match && config_.cards) match = match_card(text_, at);
    if (!match && config_.us_ssn) match = match_us_ssn(text_, at);
    if (!match && config_.ipv4) match = match_ipv4(text_, at);
    return match;
  }

  size_t replace(const Match& match) {
    out_ += text_.substr(copied_, match.begin - copied_);
    out_ += placeholder_of(match.kind);
    ++counts_[static_cast<size_t>(match.kind)];
    return copied_ = match.end;
  }

  const std::string_view text_;
  const PiiConfig& config_;
  PiiCounts& counts_;
  std::string out_;
  size_t copied_ = 0;
};

struct KindNames {
  std::string_view name, placeholder;
};
constexpr std::array<KindNames, kPiiKinds> kKindNames = {{{"resident_number", "[RESIDENT_NUMBER]"},
                                                          {"foreigner_number", "[FOREIGNER_NUMBER]"},
                                                          {"phone", "[PHONE]"},
                                                          {"email", "[EMAIL]"},
                                                          {"card", "[CARD]"},
                                                          {"ipv4", "[IP]"},
                                                          {"us_ssn", "[SSN]"}}};

}  // namespace

std::string_view name_of(PiiKind kind) { return kKindNames[static_cast<size_t>(kind)].name; }
std::string_view placeholder_of(PiiKind kind) { return kKindNames[static_cast<size_t>(kind)].placeholder; }

bool has_plausible_birth_date(std::string_view digits) {
  constexpr std::array<int, 12> kDays = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const int month = 10 * value_of(digits[2]) + value_of(digits[3]);
  const int day = 10 * value_of(digits[4]) + value_of(digits[5]);
  if (month < 1 || month > 12 || day < 1 || day > kDays[static_cast<size_t>(month - 1)]) return false;
  const int year = year_of_birth(digits);
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month != 2 || day != 29 || leap;
}

bool has_resident_check_digit(std::string_view digits) {
  const int base = is_foreigner(digits) ? 13 : 11;
  return (base - weighted_sum(digits) % 11) % 10 == value_of(digits[12]);
}

bool has_luhn_check_digit(std::string_view digits) {
  int sum = 0;
  for (size_t i = 0; i < digits.size(); ++i) {
    const int digit = value_of(digits[digits.size() - 1 - i]) * (i % 2 == 1 ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
  }
  return sum % 10 == 0;
}

std::string redact_pii(std::string_view text, const PiiConfig& config, PiiCounts& counts) {
  return config.enabled ? Redactor(text, config, counts).run() : std::string(text);
}

}  // namespace maru::data
