// Progress of anything over two seconds, counted where the work is done and shown by whoever watches it.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "base/watch.h"

namespace maru {

/// One line of a watch's sink. Not thread-safe.
class Progress {
 public:
  /// total = 0: unknown; `unit` is a plural noun ("documents", "tokens", "bytes").
  Progress(const Watch& watch, const std::string& title, uint64_t total, const std::string& unit)
      : line_(watch.sink != nullptr ? watch.sink->begin(title, total, unit) : nullptr) {}
  void add(uint64_t n) { update(done_ + n); }
  void update(uint64_t done) {
    done_ = done;
    if (line_) line_->update(done);
  }
  /// Text shown behind the count, e.g. "loss 3.21".
  void note(const std::string& text) {
    if (line_) line_->note(text);
  }
  /// Ends the line. The destructor does too.
  void finish() { line_.reset(); }

 private:
  std::unique_ptr<ProgressLine> line_;
  uint64_t done_ = 0;
};

/// "1.23 M", "456", "7.8 k".
std::string short_count(double n);
/// "3.4 MiB".
std::string short_bytes(double n);
/// "2 h 05 m", "3 m 20 s", "12 s".
std::string short_time(double seconds);

}  // namespace maru
