#include "ops/step_memory.h"

#include <string>

#include "base/error.h"

namespace maru {

void StepMemory::run(const std::function<void(Context&)>& compute) {
  Arena plan = Arena::dry_run();
  Context dry{.device = device_, .arena = plan, .adapters = adapters};
  compute(dry);
  if (plan.peak() > capacity()) {
    if (const size_t most = device_.memory_bytes(); plan.peak() > most)
      throw Failure(ErrorCode::kExhausted, "a batch needs " + std::to_string(plan.peak() >> 20) +
                                               " MiB, this machine has " + std::to_string(most >> 20) + " MiB");
    own_.reset();  // first, so that there are never two
    own_ = std::make_unique<Arena>(device_, plan.peak() + plan.peak() / 4);
    arena_ = own_.get();
  }
  Context real{.device = device_, .arena = *arena_, .adapters = adapters};
  compute(real);
}

}  // namespace maru
