#include "ops/step_memory.h"

#include <string>

#include "base/error.h"

namespace maru {

void StepMemory::run(const std::function<void(Context&)>& compute) {
  Arena plan = Arena::dry_run();
  Context dry{stream_, plan};
  compute(dry);
  if (plan.peak() > capacity()) {
    if (plan.peak() > machine_bytes())
      throw Failure(ErrorCode::kExhausted, "a batch needs " + std::to_string(plan.peak() >> 20) +
                                               " MiB, this machine has " + std::to_string(machine_bytes() >> 20) +
                                               " MiB");
    own_.reset();  // first, so that there are never two
    own_ = std::make_unique<Arena>(plan.peak() + plan.peak() / 4);
    arena_ = own_.get();
  }
  Context real{stream_, *arena_};
  compute(real);
}

}  // namespace maru
