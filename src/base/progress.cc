#include "base/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>

namespace maru {
namespace {

constexpr std::chrono::milliseconds kFirst{500}, kTerminal{100}, kPlain{5000}, kPlainIdle{30000};
constexpr double kPlainPart = 0.05;
constexpr int kWidth = 24;

std::string bar_of(double fraction) {
  const int filled = static_cast<int>(std::clamp(fraction, 0.0, 1.0) * kWidth);
  std::string bar;
  for (int i = 0; i < kWidth; ++i) bar += i < filled ? "█" : "░";
  return bar;
}

}  // namespace

Progress::Progress(std::string title, uint64_t total, std::string unit, bool quiet)
    : title_(std::move(title)),
      unit_(std::move(unit)),
      total_(total),
      quiet_(quiet),
      terminal_(::isatty(2) == 1),
      start_(Clock::now()),
      last_(start_) {}

Progress::~Progress() { finish(); }

bool progress_line_due(std::chrono::milliseconds since_last, double part_since_last) {
  return since_last >= kPlainIdle || (since_last >= kPlain && part_since_last >= kPlainPart);
}

bool Progress::due(Clock::time_point now) const {
  if (quiet_) return false;
  if (terminal_) return now - start_ >= kFirst && (!drawn_ || now - last_ >= kTerminal);
  if (!drawn_) return now - start_ >= kPlain;
  const double part = total_ == 0 ? 0 : static_cast<double>(done_ - drawn_done_) / static_cast<double>(total_);
  return progress_line_due(std::chrono::duration_cast<std::chrono::milliseconds>(now - last_), part);
}

void Progress::update(uint64_t done) {
  if (first_ == UINT64_MAX) first_ = done_;  // work resumed from here: the rate counts only what this process did
  done_ = done;
  const auto now = Clock::now();
  if (!due(now)) return;
  last_ = now;
  drawn_done_ = done_;
  draw(false);
}

void Progress::warn(const std::string& text) {
  if (drawn_ && terminal_) std::fputs("\r\033[K", stderr);
  std::fputs(("warning " + text + "\n").c_str(), stderr);
}

void Progress::draw(bool last) {
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  const double rate = static_cast<double>(done_ - std::min(done_, first_)) / std::max(seconds, 1e-3);
  std::string line = fmt::format("{:<12} ", title_);
  if (total_ > 0) {
    const double fraction = static_cast<double>(done_) / static_cast<double>(total_);
    line += fmt::format("{} {:3.0f} %  {}/{} {}  {}/s", bar_of(fraction), 100 * fraction,
                        short_count(static_cast<double>(done_)), short_count(static_cast<double>(total_)), unit_,
                        short_count(rate));
    if (rate > 0 && !last && done_ <= total_)
      line += fmt::format("  {} left", short_time(static_cast<double>(total_ - done_) / rate));
  } else {
    line += fmt::format("{} {}  {}/s", short_count(static_cast<double>(done_)), unit_, short_count(rate));
  }
  if (!note_.empty()) line += "  " + note_;
  std::fputs(terminal_ ? ("\r\033[K" + line).c_str() : (line + "\n").c_str(), stderr);
  std::fflush(stderr);
  drawn_ = true;
}

void Progress::finish() {
  if (finished_) return;
  finished_ = true;
  if (drawn_ && terminal_) std::fputs("\r\033[K", stderr);
}

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
