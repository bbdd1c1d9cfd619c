#include "base/progress.h"

#include <fmt/format.h>

#include <array>

namespace maru {

std::string short_count(double n) {
  constexpr std::array<const char*, 5> kUnits{"", " k", " M", " G", " T"};
  size_t unit = 0;
  for (; n >= 1000 && unit + 1 < kUnits.size(); ++unit) n /= 1000;
  return unit == 0 && n == static_cast<int64_t>(n) ? fmt::format("{:.0f}", n)
                                                   : fmt::format("{:.3g}{}", n, kUnits[unit]);
}

std::string short_bytes(double n) {
  constexpr std::array<const char*, 5> kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  for (; n >= 1024 && unit + 1 < kUnits.size(); ++unit) n /= 1024;
  return unit == 0 ? fmt::format("{:.0f} B", n) : fmt::format("{:.1f} {}", n, kUnits[unit]);
}

std::string short_time(double seconds) {
  const int64_t s = static_cast<int64_t>(seconds + 0.5);
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{} m {:02} s", s / 60, s % 60);
  return fmt::format("{} h {:02} m", s / 3600, s / 60 % 60);
}

}  // namespace maru
