// The methods there are; method.cc has their table.
#pragma once
#include <memory>

#include "models/reward_model.h"
#include "train/method.h"

namespace maru::train {

std::unique_ptr<Method> make_next_token(const MethodInputs& inputs);
std::unique_ptr<Method> make_preference(const MethodInputs& inputs);
std::unique_ptr<Method> make_kto(const MethodInputs& inputs);
std::unique_ptr<Method> make_orpo(const MethodInputs& inputs);
std::unique_ptr<Method> make_cpo(const MethodInputs& inputs);
std::unique_ptr<Method> make_reward(const MethodInputs& inputs);
std::unique_ptr<Method> make_embed(const MethodInputs& inputs);
std::unique_ptr<Method> make_rank(const MethodInputs& inputs);
std::unique_ptr<Method> make_distill(const MethodInputs& inputs);

/// Takes the padding that transformers wants of a scorer from what ends answers; none where a text may end with it.
void choose_padding(RewardModel& model, const Json& generation_config);

/// The next token of what is held out: "loss" and "bits_per_byte".
Figures validate_text(const MethodInputs& inputs, StepMemory& memory);

}  // namespace maru::train
