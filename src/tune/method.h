// Methods of training that generate, beside those of train.
#pragma once
#include <memory>

#include "train/method.h"

namespace maru::tune {

/// As train::make_method, for every method there is.
std::unique_ptr<train::Method> make_method(const train::MethodInputs& inputs);

/// Answers of its own that are judged (method=grpo). Throws   kInvalidArgument for rewards that cannot be made, or no
/// tokenizer; what reading the prompts throws.
std::unique_ptr<train::Method> make_group_policy(const train::MethodInputs& inputs);

/// What a teacher says of answers of its own (method=distill with distill.on_policy). Throws   kInvalidArgument for
/// tokens without answers, or no tokenizer; what the method throws on given answers.
std::unique_ptr<train::Method> make_on_policy(const train::MethodInputs& inputs);

}  // namespace maru::tune
