#include "tune/method.h"

namespace maru::tune {

std::unique_ptr<train::Method> make_method(const train::MethodInputs& inputs) {
  if (inputs.config.method == "grpo") return make_group_policy(inputs);
  if (inputs.config.distill && inputs.config.distill->on_policy > 0) return make_on_policy(inputs);
  return train::make_method(inputs);
}

}  // namespace maru::tune
