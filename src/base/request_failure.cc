#include "base/request_failure.h"

#include "base/excerpt.h"

namespace maru {

void refuse(std::string_view message, std::string_view field, std::string_view word) {
  constexpr size_t kItsLength = 40;  // what excerpt adds, so that the message is not cut twice
  throw RequestFailure(ErrorCode::kInvalidArgument, excerpt(message, kMaxMessageBytes - kItsLength),
                       excerpt(field, kMaxFieldBytes - kItsLength), std::string(word));
}

std::string numbered(std::string_view list, size_t i) { return std::string(list) + "[" + std::to_string(i) + "]"; }

}  // namespace maru
