// Numbers that belong to a person: resident registration, phone, card, US social security, IPv4 address.
#include <algorithm>

#include "data/pii_scan.h"

namespace maru::data {
namespace {

int value_of(char c) { return c - '0'; }

/// A position in a number's characters that reads forward and remembers the digits it passed.
class Cursor {
 public:
  explicit Cursor(const NumberText& number) : number_(&number), text_(number.characters()) {}
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
  /// Passes one of `marks`, with spaces around it, and returns it; a single space alone counts too if `marks` has one.
  char separator(std::string_view marks) {
    const auto is_mark = [&](size_t ahead) {
      return peek(ahead) != '\0' && marks.find(peek(ahead)) != std::string_view::npos;
    };
    size_t n = peek() == ' ' && is_mark(1) && !is_digit(peek(1)) ? 1 : 0;
    if (!is_mark(n)) return '\0';
    const char mark = peek(n++);
    if (peek(n) == ' ' && mark != ' ') ++n;
    at_ += n;
    return mark;
  }
  size_t digits_ahead() const {
    size_t n = 0;
    while (n < 32 && is_digit(peek(n))) ++n;
    return n;
  }
  /// No further digit, nor one behind a hyphen or a full stop: then it is part of something longer.
  bool at_end() const { return !is_digit(peek()) && !((peek() == '-' || peek() == '.') && is_digit(peek(1))); }
  /// Digits in one row must not run into a word either: those are identifiers.
  bool at_word_end() const { return at_end() && !is_alpha(peek()) && peek() != '_'; }
  PiiMatch match(PiiKind kind) const { return {number_->at(), number_->position(at_), kind}; }

 private:
  const NumberText* number_;
  std::string_view text_;
  size_t at_ = 0;
  std::string digits_;
};

int weighted_sum(std::string_view digits) {
  int sum = 0;
  for (int i = 0; i < 12; ++i) sum += value_of(digits[static_cast<size_t>(i)]) * (2 + i % 8);
  return sum;
}

bool is_foreigner(std::string_view digits) { return digits[6] >= '5' && digits[6] <= '8'; }
bool is_of_19th_century(std::string_view digits) { return digits[6] == '9' || digits[6] == '0'; }

// YYYYMMDD.
int64_t date_of_birth(std::string_view digits) {
  int64_t date = is_of_19th_century(digits)                                      ? 18
                 : std::string_view("1256").find(digits[6]) != std::string::npos ? 19
                                                                                 : 20;
  for (size_t i = 0; i < 6; ++i) date = 10 * date + value_of(digits[i]);
  return date;
}

// Numbers given since then have random digits behind the seventh.
constexpr int64_t kReform = 20201001;

// GTIN-13: the check digit of article numbers and ISBN.
bool has_article_check_digit(std::string_view digits) {
  int sum = 0;
  for (size_t i = 0; i < 13; ++i) sum += value_of(digits[i]) * (i % 2 == 0 ? 1 : 3);
  return sum % 10 == 0;
}

// Korean article numbers begin with 880 and so look like births in 1988; others only when a word says so.
bool is_article_number(const NumberText& number, std::string_view digits) {
  return has_article_check_digit(digits) &&
         (digits.starts_with("880") || number.follows({"바코드", "상품", "barcode", "ean", "gtin", "isbn", "upc"}));
}

std::optional<PiiMatch> match_resident_number(const NumberText& number, const PiiConfig& config) {
  Cursor c(number);
  if (!c.digits(6)) return std::nullopt;
  const char mark = c.separator("-./ ");
  if (!c.digits(7) || !c.at_end()) return std::nullopt;
  const std::string& digits = c.digits();
  if (!has_plausible_birth_date(digits, config.born_until)) return std::nullopt;
  const PiiMatch match = c.match(is_foreigner(digits) ? PiiKind::kForeignerNumber : PiiKind::kResidentNumber);
  if (number.follows({"주민", "외국인", "resident", "rrn", "jumin"})) return match;
  // Companies' numbers have the same form, and a 0 there that would be a birth in the 19th century.
  if (is_of_19th_century(digits) || number.follows({"법인"})) return std::nullopt;
  if (mark == '-' || number.follows({"등록번호"})) return match;
  const bool is_row = mark == '\0';
  if (is_row && (number.separated_only() || !c.at_word_end() || is_article_number(number, digits))) return std::nullopt;
  const bool is_order = number.follows({"주문", "예약", "송장", "접수", "order", "invoice", "tracking"});
  const bool sure = !is_order && (has_resident_check_digit(digits) || date_of_birth(digits) >= kReform);
  return sure ? std::optional(match) : std::nullopt;
}

bool follows_phone_word(const NumberText& number) {
  return number.follows({"전화", "연락처", "휴대", "핸드폰", "팩스", "문의", "tel", "phone", "mobile", "fax", "call"});
}

// What stands in front of the number that begins with 0: nothing, "0" itself, or the country.
struct Country {
  bool is_sure = false;  // with '+' or a carrier's prefix in front, which nothing else has
  bool is_open = false;  // behind a bracket that has not been closed
};

// "+82", "82-", "(82)", "001-82-", "00700 82 ", each with or without "0" or "(0)" behind it.
std::optional<Country> country(Cursor& c, const NumberText& number) {
  Country country;
  country.is_open = c.literal("(");
  country.is_sure = c.literal("+");
  country.is_open |= country.is_sure && c.literal("(");
  for (const char* carrier :
       {"00700", "00727", "00755", "00756", "00766", "001", "002", "005", "006", "007", "008", "00"}) {
    Cursor behind = c;
    if (country.is_sure || !behind.literal(carrier)) continue;
    behind.separator("-. ");
    behind.literal("+");
    if (behind.peek() != '8' || behind.peek(1) != '2') continue;
    c = behind;
    country.is_sure = true;
  }
  if (!c.literal("82")) return country.is_sure || !c.literal("0") ? std::nullopt : std::optional(country);
  const bool closed = c.literal(")");
  country.is_open &= !closed;
  const bool separated = c.separator("-. ") != '\0' || closed;
  if (!country.is_sure && !separated && !follows_phone_word(number)) return std::nullopt;
  if (!c.literal("(0)")) c.literal("0");
  c.separator("-. ");
  return country;
}

// The last two groups: 3 or 4 digits, a separator, 4 digits; or both in a row.
bool subscriber(Cursor& c, std::string_view separators, bool row_allowed) {
  const size_t run = c.digits_ahead();
  if (run == 7 || run == 8) return row_allowed && c.digits(run);
  return (run == 3 || run == 4) && c.digits(run) && c.separator(separators) && c.digits(4);
}

// The digits behind the 0: 10 (mobile), 2 (Seoul), 31 (areas), 70 and 80, 50N (virtual). Their count, or 0.
size_t prefix_digits(const Cursor& c, bool& mobile) {
  const auto one_of = [&](size_t ahead, std::string_view set) {
    return c.peek(ahead) != '\0' && set.find(c.peek(ahead)) != std::string_view::npos;
  };
  mobile = c.peek() == '1' && one_of(1, "016789");
  if (c.peek() == '2') return 1;
  if (c.peek() == '5' && c.peek(1) == '0' && one_of(2, "2345678")) return 3;
  const bool area = (one_of(0, "3456") && one_of(1, "12345")) || (one_of(0, "78") && c.peek(1) == '0');
  return mobile || area ? 2 : 0;
}

std::optional<PiiMatch> match_phone(const NumberText& number) {
  Cursor c(number);
  const auto from = country(c, number);
  bool mobile = false;
  const size_t prefix = from ? prefix_digits(c, mobile) : 0;
  if (prefix == 0) return std::nullopt;
  c.digits(prefix);
  if (from->is_open && c.peek() != ')') return std::nullopt;  // the bracket is around all of it
  const std::string_view separators = mobile ? "-.) /_" : "-.) ";
  const bool separated = c.separator(separators) != '\0';
  // Without separators a landline looks like any number, unless the country or a word stands in front.
  const bool row_allowed = !number.separated_only() && (mobile || from->is_sure || follows_phone_word(number));
  if (!separated && !row_allowed) return std::nullopt;
  if (!subscriber(c, separators, separated || row_allowed)) return std::nullopt;
  if (c.peek() == '-' && is_digit(c.peek(1)) && follows_phone_word(number)) {  // an extension behind the number
    Cursor behind = c;
    behind.literal("-");
    const size_t extension = behind.digits_ahead();
    if (extension > 0 && extension <= 4 && behind.digits(extension)) c = behind;
  }
  return (separated ? c.at_end() : c.at_word_end()) ? std::optional(c.match(PiiKind::kPhone)) : std::nullopt;
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

// Groups behind the first four digits, with one mark throughout: 4-4-4[-3], 6-5 or 6-4.
bool card_groups(Cursor& c) {
  const char mark = c.separator("-. ");
  if (mark == '\0') return false;
  const std::string same(1, mark);
  if (c.digits_ahead() == 6) {
    c.digits(6);
    return c.separator(same) && (c.digits_ahead() == 4 || c.digits_ahead() == 5) && c.digits(c.digits_ahead());
  }
  const bool grouped = c.digits(4) && c.separator(same) && c.digits(4) && c.separator(same) && c.digits(4);
  Cursor behind = c;
  if (grouped && behind.separator(same) && behind.digits_ahead() == 3 && behind.digits(3)) c = behind;
  return grouped;
}

std::optional<PiiMatch> match_card(const NumberText& number) {
  Cursor c(number);
  const size_t run = c.digits_ahead();
  const bool is_row = run >= 13 && run <= 19;
  if (is_row ? number.separated_only() || !c.digits(run) : run != 4 || !c.digits(4) || !card_groups(c))
    return std::nullopt;
  const std::string& digits = c.digits();
  if (is_row ? !c.at_word_end() : !c.at_end()) return std::nullopt;
  if (!is_card_prefix(digits) || !has_luhn_check_digit(digits)) return std::nullopt;
  if (digits.size() == 13 && has_article_check_digit(digits)) return std::nullopt;
  return c.match(PiiKind::kCard);
}

std::optional<PiiMatch> match_us_ssn(const NumberText& number) {
  Cursor c(number);
  if (!(c.digits(3) && c.literal("-") && c.digits(2) && c.literal("-") && c.digits(4) && c.at_end()))
    return std::nullopt;
  const std::string& d = c.digits();
  const bool impossible =
      d.starts_with("000") || d.starts_with("666") || d[0] == '9' || d.substr(3, 2) == "00" || d.substr(5) == "0000";
  return impossible || number.separated_only() ? std::nullopt : std::optional(c.match(PiiKind::kUsSsn));
}

bool is_public(const std::array<int, 4>& ip) {
  const bool is_private = ip[0] == 10 || (ip[0] == 172 && ip[1] >= 16 && ip[1] <= 31) || (ip[0] == 192 && ip[1] == 168);
  const bool documentation = (ip[0] == 192 && ip[1] == 0 && ip[2] == 2) ||
                             (ip[0] == 198 && ip[1] == 51 && ip[2] == 100) ||
                             (ip[0] == 203 && ip[1] == 0 && ip[2] == 113);
  return !is_private && !documentation && ip[0] != 0 && ip[0] != 127 && ip[0] < 224 && !(ip[0] == 169 && ip[1] == 254);
}

std::optional<PiiMatch> match_ipv4(const NumberText& number) {
  Cursor c(number);
  std::array<int, 4> parts{};
  for (size_t i = 0; i < 4; ++i) {
    if (i > 0 && !c.literal(".")) return std::nullopt;
    const size_t n = c.digits_ahead();
    if (n == 0 || n > 3 || (n > 1 && c.peek() == '0')) return std::nullopt;
    for (size_t k = 0; k < n; ++k) parts[i] = 10 * parts[i] + value_of(c.peek(k));
    if (parts[i] > 255) return std::nullopt;
    c.digits(n);
  }
  const bool is_version = (c.peek() == '-' && is_alpha(c.peek(1))) || number.follows({"버전", "version"});
  const bool fits = c.at_end() && !is_version && !number.separated_only() && is_public(parts);
  return fits ? std::optional(c.match(PiiKind::kIpv4)) : std::nullopt;
}

}  // namespace

bool has_plausible_birth_date(std::string_view digits, int64_t latest) {
  constexpr std::array<int, 12> kDays = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const int64_t date = date_of_birth(digits);
  const int64_t month = date / 100 % 100, day = date % 100, year = date / 10000;
  if (month < 1 || month > 12 || day < 1 || day > kDays[static_cast<size_t>(month - 1)]) return false;
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return date <= latest && (month != 2 || day != 29 || leap);
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

std::optional<PiiMatch> match_number(const NumberText& number, const PiiConfig& config) {
  constexpr size_t kFewest = 9, kFewestOfAddress = 4;  // digits of a phone and of an IPv4 address
  if (number.digits() < (config.ipv4 ? kFewestOfAddress : kFewest)) return std::nullopt;
  std::optional<PiiMatch> match;
  if (config.resident_numbers) match = match_resident_number(number, config);
  if (!match && config.phones) match = match_phone(number);
  if (!match && config.cards) match = match_card(number);
  if (!match && config.us_ssn) match = match_us_ssn(number);
  if (!match && config.ipv4) match = match_ipv4(number);
  return match;
}

}  // namespace maru::data
