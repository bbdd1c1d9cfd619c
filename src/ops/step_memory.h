// Memory for computations whose size is known only when they come: each is run dry first, which costs microseconds and
// tells exactly what it needs, then in an arena that has that much and is kept for the next. Owned by one thread.
#pragma once
#include <functional>
#include <memory>

#include "ops/context.h"

namespace maru {

class StepMemory {
 public:
  explicit StepMemory(Device& device) : device_(device) {}
  /// Uses `arena`, which must outlive this, as long as it is large enough.
  StepMemory(Device& device, Arena& arena) : device_(device), arena_(&arena) {}

  /// Calls `compute` with a dry context (its tensors have no memory behind them), then with a real one. Nothing that it
  /// allocates may outlive the call.
  ///
  /// Throws   kExhausted, naming both sizes, when it needs more than the device has.
  void run(const std::function<void(Context&)>& compute);
  /// Those of the contexts that it makes.
  const AdapterRuns* adapters = nullptr;
  /// Bytes of the arena; 0 before the first run.
  size_t capacity() const { return arena_ == nullptr ? 0 : arena_->capacity(); }

 private:
  Device& device_;
  std::unique_ptr<Arena> own_;
  Arena* arena_ = nullptr;
};

}  // namespace maru
