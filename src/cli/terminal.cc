#include "cli/terminal.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/progress.h"

namespace maru::cli {
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

class Bar : public ProgressLine {
 public:
  Bar(Terminal& owner, std::string title, uint64_t total, std::string unit)
      : owner_(owner),
        title_(std::move(title)),
        unit_(std::move(unit)),
        total_(total),
        start_(Clock::now()),
        last_(start_) {
    owner_.bars_.insert(this);
  }
  ~Bar() override {
    owner_.bars_.erase(this);
    clear();
  }
  void update(uint64_t done) override;
  void note(const std::string& text) override { note_ = text; }
  void clear() const {
    if (drawn_ && owner_.terminal_) std::fputs("\r\033[K", stderr);
  }

 private:
  using Clock = std::chrono::steady_clock;
  bool due(Clock::time_point now) const;
  void draw();
  Terminal& owner_;
  std::string title_, unit_, note_;
  uint64_t total_, done_ = 0, drawn_done_ = 0, first_ = UINT64_MAX;
  bool drawn_ = false;
  Clock::time_point start_, last_;
};

bool progress_line_due(std::chrono::milliseconds since_last, double part_since_last) {
  return since_last >= kPlainIdle || (since_last >= kPlain && part_since_last >= kPlainPart);
}

bool Bar::due(Clock::time_point now) const {
  if (owner_.quiet_) return false;
  if (owner_.terminal_) return now - start_ >= kFirst && (!drawn_ || now - last_ >= kTerminal);
  if (!drawn_) return now - start_ >= kPlain;
  const double part = total_ == 0 ? 0 : static_cast<double>(done_ - drawn_done_) / static_cast<double>(total_);
  return progress_line_due(std::chrono::duration_cast<std::chrono::milliseconds>(now - last_), part);
}

void Bar::update(uint64_t done) {
  if (first_ == UINT64_MAX) first_ = done_;  // work resumed from here: the rate counts only what this process did
  done_ = done;
  const auto now = Clock::now();
  if (!due(now)) return;
  last_ = now;
  drawn_done_ = done_;
  draw();
}

void Bar::draw() {
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  const double rate = static_cast<double>(done_ - std::min(done_, first_)) / std::max(seconds, 1e-3);
  std::string line = fmt::format("{:<12} ", title_);
  if (total_ > 0) {
    const double fraction = static_cast<double>(done_) / static_cast<double>(total_);
    line += fmt::format("{} {:3.0f} %  {}/{} {}  {}/s", bar_of(fraction), 100 * fraction,
                        short_count(static_cast<double>(done_)), short_count(static_cast<double>(total_)), unit_,
                        short_count(rate));
    if (rate > 0 && done_ <= total_)
      line += fmt::format("  {} left", short_time(static_cast<double>(total_ - done_) / rate));
  } else {
    line += fmt::format("{} {}  {}/s", short_count(static_cast<double>(done_)), unit_, short_count(rate));
  }
  if (!note_.empty()) line += "  " + note_;
  std::fputs(owner_.terminal_ ? ("\r\033[K" + line).c_str() : (line + "\n").c_str(), stderr);
  std::fflush(stderr);
  drawn_ = true;
}

Terminal::Terminal(bool quiet) : quiet_(quiet), terminal_(::isatty(2) == 1) {}

std::unique_ptr<ProgressLine> Terminal::begin(const std::string& title, uint64_t total, const std::string& unit) {
  return std::make_unique<Bar>(*this, title, total, unit);
}

void Terminal::clear_bars() {
  for (const Bar* bar : bars_) bar->clear();
}

void Terminal::inform(const std::string& message) {
  if (quiet_) return;
  clear_bars();
  spdlog::info("{}", message);
}

void Terminal::warn(const std::string& message) {
  clear_bars();
  spdlog::warn("{}", message);
}

}  // namespace maru::cli
