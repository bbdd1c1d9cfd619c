#include "platform/utc_time.h"

#include <fmt/chrono.h>

#include <string>

namespace maru::platform {
namespace {

/// The text with every digit as '0': its form.
std::string form_of(std::string_view text) {
  std::string form(text);
  for (char& c : form)
    if (c >= '0' && c <= '9') c = '0';
  return form;
}

int number_at(std::string_view text, size_t at, size_t digits) {
  int number = 0;
  for (char c : text.substr(at, digits)) number = number * 10 + (c - '0');
  return number;
}

Error bad_time(std::string_view text) {
  return {ErrorCode::kInvalidArgument,
          "\"" + std::string(text.substr(0, 40)) + "\": expected a time of UTC such as 2027-01-31T00:00:00Z"};
}

}  // namespace

Result<UtcTime> parse_utc(std::string_view text) {
  const std::string form = form_of(text);
  const bool day_only = form == "0000-00-00";
  if (!day_only && form != "0000-00-00T00:00:00Z") return bad_time(text);
  const std::chrono::year_month_day date{std::chrono::year(number_at(text, 0, 4)),
                                         std::chrono::month(static_cast<unsigned>(number_at(text, 5, 2))),
                                         std::chrono::day(static_cast<unsigned>(number_at(text, 8, 2)))};
  if (!date.ok()) return bad_time(text);
  if (day_only) return UtcTime(std::chrono::sys_days(date));
  const int hour = number_at(text, 11, 2), minute = number_at(text, 14, 2), second = number_at(text, 17, 2);
  if (hour > 23 || minute > 59 || second > 59) return bad_time(text);
  return UtcTime(std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
                 std::chrono::seconds(second));
}

std::string utc_text(UtcTime time) { return fmt::format("{:%FT%TZ}", time); }

std::string utc_milliseconds(std::chrono::system_clock::time_point time) {
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  const auto rest = std::chrono::floor<std::chrono::milliseconds>(time - second);
  return fmt::format("{:%FT%T}.{:03}Z", second, rest.count());
}

UtcTime utc_now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

}  // namespace maru::platform
