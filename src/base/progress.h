// Progress of anything over two seconds: a bar with rate and time left on a terminal; elsewhere a plain line now and
// then, however many steps there are.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace maru {

/// Goes to standard error; draws nothing for the first half second, and nothing at all when quiet. Not thread-safe.
class Progress {
 public:
  /// total = 0: unknown; `unit` is a plural noun ("documents", "tokens", "bytes").
  Progress(std::string title, uint64_t total, std::string unit, bool quiet = false);
  ~Progress();
  Progress(const Progress&) = delete;
  void add(uint64_t n) { update(done_ + n); }
  void update(uint64_t done);
  /// Text shown behind the bar, e.g. "loss 3.21".
  void note(std::string text) { note_ = std::move(text); }
  /// A line of its own above the bar, also when quiet.
  void warn(const std::string& text);
  /// Clears the bar. Called by the destructor too.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;
  bool due(Clock::time_point now) const;
  void draw(bool last);
  std::string title_, unit_, note_;
  uint64_t total_, done_ = 0, drawn_done_ = 0, first_ = UINT64_MAX;
  bool quiet_, terminal_, drawn_ = false, finished_ = false;
  Clock::time_point start_, last_;
};

/// Without a terminal: whether another line is due. After 5 seconds when a twentieth of the work was done since the
/// last one, after 30 seconds in any case.
bool progress_line_due(std::chrono::milliseconds since_last, double part_since_last);

/// "1.23 M", "456", "7.8 k".
std::string short_count(double n);
/// "3.4 MiB".
std::string short_bytes(double n);
/// "2 h 05 m", "3 m 20 s", "12 s".
std::string short_time(double seconds);

}  // namespace maru
