#include "tune/method.h"

namespace maru::tune {

std::unique_ptr<train::Method> make_method(const train::MethodInputs& inputs) {
  return inputs.config.method == "grpo" ? make_group_policy(inputs) : train::make_method(inputs);
}

}  // namespace maru::tune
