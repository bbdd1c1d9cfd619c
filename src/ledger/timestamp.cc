#include "ledger/timestamp.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <ctime>

#include "base/excerpt.h"

namespace maru::ledger {
namespace {

namespace chrono = std::chrono;

constexpr std::string_view kForm = "0000-00-00T00:00:00+00:00";

bool has_form(std::string_view text) {
  if (text.size() != kForm.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kForm[i] == '0' ? !digit : text[i] != kForm[i] && !(kForm[i] == '+' && text[i] == '-')) return false;
  }
  return true;
}

int number_at(std::string_view text, size_t at, size_t digits) {
  int number = 0;
  for (const char c : text.substr(at, digits)) number = number * 10 + (c - '0');
  return number;
}

}  // namespace

Timestamp Timestamp::now() {
  const std::time_t seconds = std::time(nullptr);
  std::tm local{};
  localtime_r(&seconds, &local);
  return {.seconds = seconds, .offset_seconds = static_cast<int32_t>(local.tm_gmtoff / 60 * 60)};
}

std::string Timestamp::text() const {
  const std::time_t wall = seconds + offset_seconds;
  std::tm time{};
  gmtime_r(&wall, &time);
  const int minutes = std::abs(offset_seconds) / 60;
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}{:02}:{:02}", time.tm_year + 1900, time.tm_mon + 1,
                     time.tm_mday, time.tm_hour, time.tm_min, time.tm_sec, offset_seconds < 0 ? '-' : '+', minutes / 60,
                     minutes % 60);
}

Result<Timestamp> parse_timestamp(std::string_view text) {
  const Error wrong{ErrorCode::kInvalidArgument,
                    "\"" + excerpt(text, 40) + "\": expected a time such as 2027-01-31T09:00:00+09:00"};
  if (!has_form(text)) return wrong;
  const chrono::year_month_day date{chrono::year(number_at(text, 0, 4)),
                                    chrono::month(static_cast<unsigned>(number_at(text, 5, 2))),
                                    chrono::day(static_cast<unsigned>(number_at(text, 8, 2)))};
  const int hour = number_at(text, 11, 2), minute = number_at(text, 14, 2), second = number_at(text, 17, 2);
  const int offset = number_at(text, 20, 2) * 3600 + number_at(text, 23, 2) * 60;
  if (!date.ok() || hour > 23 || minute > 59 || second > 59 || offset > 86399 || number_at(text, 23, 2) > 59)
    return wrong;
  const int64_t days = chrono::sys_days(date).time_since_epoch().count();
  Timestamp time{.seconds = days * 86400 + hour * 3600 + minute * 60 + second,
                 .offset_seconds = text[19] == '-' ? -offset : offset};
  time.seconds -= time.offset_seconds;
  if (time.text() != text) return wrong;  // "-00:00"
  return time;
}

}  // namespace maru::ledger
