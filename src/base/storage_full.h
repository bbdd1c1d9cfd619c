// There is no room left on a disk, or of what its owner may use of it: nothing is wrong with what was asked for, and to
// ask again soon does not help, as it does with queues.
#pragma once
#include "base/error.h"

namespace maru {

class StorageFull : public Failure {
 public:
  explicit StorageFull(Error error) : Failure(std::move(error)) {}
};

}  // namespace maru
