// What a stage says while it runs, on standard error: a bar with rate and time left on a terminal; elsewhere a plain
// line now and then, however many steps there are. Messages go through the log.
#pragma once
#include <chrono>
#include <set>

#include "base/watch.h"

namespace maru::cli {

class Bar;

/// Draws nothing for the first half second of a line, and nothing at all when quiet; warnings are said also then.
/// Not thread-safe.
class Terminal : public ProgressSink {
 public:
  explicit Terminal(bool quiet);
  std::unique_ptr<ProgressLine> begin(const std::string& title, uint64_t total, const std::string& unit) override;
  void inform(const std::string& message) override;
  void warn(const std::string& message) override;

 private:
  friend class Bar;
  void clear_bars();
  bool quiet_, terminal_;
  std::set<Bar*> bars_;  // that are open
};

/// Without a terminal: whether another line is due. After 5 seconds when a twentieth of the work was done since the
/// last one, after 30 seconds in any case.
bool progress_line_due(std::chrono::milliseconds since_last, double part_since_last);

}  // namespace maru::cli
