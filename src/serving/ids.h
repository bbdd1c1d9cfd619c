// Ids of answers.
#pragma once
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <string>
#include <string_view>

#include "base/random.h"

namespace maru::serving {

/// Ids that do not repeat, in this process or another. Thread-safe.
class Ids {
 public:
  std::string next(std::string_view prefix) { return fmt::format("{}{:016x}", prefix, number()); }
  uint64_t number() { return mix64(salt_ + ++count_); }

 private:
  const uint64_t salt_ = static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  std::atomic<uint64_t> count_{0};
};

}  // namespace maru::serving
