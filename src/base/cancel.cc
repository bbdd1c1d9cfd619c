#include "base/cancel.h"

#include "base/error.h"

namespace maru {

void CancelToken::throw_if_cancelled() const {
  if (cancelled()) throw Failure(ErrorCode::kCancelled, std::string(why_));
}

}  // namespace maru
