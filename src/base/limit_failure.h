// A limit that is reached: which one, and when it is worth trying again.
#pragma once
#include <string>
#include <utility>

#include "base/error.h"

namespace maru {

/// kExhausted for now: the message names the limit, its value and what is used of it.
class LimitFailure : public Failure {
 public:
  LimitFailure(std::string message, double retry_seconds)
      : Failure(ErrorCode::kExhausted, std::move(message)), retry_seconds_(retry_seconds) {}
  double retry_seconds() const { return retry_seconds_; }

 private:
  double retry_seconds_;
};

}  // namespace maru
