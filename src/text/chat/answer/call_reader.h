// Readers of one call, whatever its syntax, and where they say what they read.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace maru::text {

/// Where readers of calls say what they read.
class CallSink {
 public:
  virtual ~CallSink() = default;
  /// False: there is no such tool, so what is read was no call.
  virtual bool begin(const std::string& name) = 0;
  virtual void arguments(std::string_view text) = 0;
};

/// Reads one call, byte by byte.
class CallReader {
 public:
  enum class Step : uint8_t {
    kMore,
    kDone,        // the call is complete
    kDoneBefore,  // it was complete before this byte, which is not of it
    kFailed,      // this byte cannot stand here
  };
  virtual ~CallReader() = default;
  virtual Step feed(char c) = 0;
  /// The answer ends here, or what follows cannot be read: hands out what is held back of a call that has begun.
  virtual void cut() = 0;
};

}  // namespace maru::text
