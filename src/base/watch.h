// Who watches a piece of work: where its progress and its messages go, and who may stop it. The work knows neither a
// terminal nor a job's record; whoever calls it brings the sink (src/cli/terminal.h, or a list in a test).
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "base/cancel.h"

namespace maru {

/// A part of the work that is counted: shown from its construction to its destruction.
class ProgressLine {
 public:
  virtual ~ProgressLine() = default;
  virtual void update(uint64_t done) = 0;
  /// Shown behind the count, e.g. "loss 3.21".
  virtual void note(const std::string& text) = 0;
};

/// Called from one thread at a time. Several lines may be open at once.
class ProgressSink {
 public:
  virtual ~ProgressSink() = default;
  /// total = 0: unknown; `unit` is a plural noun ("documents", "tokens", "bytes").
  virtual std::unique_ptr<ProgressLine> begin(const std::string& title, uint64_t total, const std::string& unit) = 0;
  virtual void inform(const std::string& message) = 0;
  /// What went wrong without ending the work.
  virtual void warn(const std::string& message) = 0;
};

/// Copied freely; what it points to outlives the work. By default nobody looks and nobody stops it.
struct Watch {
  ProgressSink* sink = nullptr;
  const CancelToken* cancel = nullptr;

  bool cancelled() const { return cancel != nullptr && cancel->cancelled(); }
  /// Throws kCancelled.
  void throw_if_cancelled() const {
    if (cancel != nullptr) cancel->throw_if_cancelled();
  }
  void inform(const std::string& message) const {
    if (sink != nullptr) sink->inform(message);
  }
  void warn(const std::string& message) const {
    if (sink != nullptr) sink->warn(message);
  }
};

}  // namespace maru
