// The methods there are; method.cc has their table.
#pragma once
#include <memory>

#include "train/method.h"

namespace maru::train {

std::unique_ptr<Method> make_next_token(const MethodInputs& inputs);
std::unique_ptr<Method> make_preference(const MethodInputs& inputs);
std::unique_ptr<Method> make_kto(const MethodInputs& inputs);
std::unique_ptr<Method> make_orpo(const MethodInputs& inputs);
std::unique_ptr<Method> make_cpo(const MethodInputs& inputs);
std::unique_ptr<Method> make_reward(const MethodInputs& inputs);

}  // namespace maru::train
