// The events of a response: how each is written, and those of one in the background, which are kept so that a client
// that lost its connection goes on behind the last that it saw.
#pragma once
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "http/http.h"

namespace maru::api::openai {

/// Appends one: it names its type twice, and has a number.
void append_numbered(std::string& to, const char* type, int64_t number, const Json& data);

/// Thread-safe. One writes, any number of connections read.
class EventLog {
 public:
  void append(const char* type, const Json& data);
  /// No more will come. Whoever reads is told.
  void close();
  int64_t size() const;
  /// Of memory, about.
  int64_t bytes() const;

 private:
  friend class LoggedEvents;
  void wake_readers() const;

  mutable std::mutex mutex_;  // guards what follows; wakes are called under it, so that none outlives its reader
  std::vector<std::string> events_;
  std::list<http::Wake> readers_;
  int64_t bytes_ = 0;
  bool closed_ = false;
};

/// Those from number `begin` on, and what comes until it is closed.
std::unique_ptr<http::EventStream> events_from(std::shared_ptr<EventLog> log, int64_t begin, http::Wake wake);

}  // namespace maru::api::openai
