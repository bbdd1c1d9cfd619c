// The reference of preferences: the model that a run starts from, as it was or as it follows the one that is trained.
#pragma once
#include <memory>

#include "train/answer_loader.h"
#include "train/method.h"

namespace maru::train {

/// A second copy, mapped from the file where the dtype is the same; one that `moves` has memory of its own. On the
/// device. Throws   kExhausted before anything is read when the device has not that much memory.
std::unique_ptr<Decoder> load_reference(const MethodInputs& inputs, bool moves = false);

/// reference = alpha · model + (1 − alpha) · reference, of each weight; as TRL does it, both products rounded to the
/// weights' dtype.
///
/// Shapes   two models of one architecture
/// Source   Gorbatovski et al. 2024 (TR-DPO), arXiv:2404.09656, eq. 5
void mix_into(StepMemory& memory, Device& device, Model& reference, Model& model, double alpha);

/// What the model that `inputs` hold, without its adapter, says of the answers' tokens in examples from the first on,
/// until `most_tokens` have been read; goes on behind what is known.
///
/// Throws   kCancelled when it is stopped; what is known stays.
void compute_known_losses(const MethodInputs& inputs, const Preparation& preparation, const AnswerSet& examples,
                          int64_t most_tokens, KnownLosses& known);

}  // namespace maru::train
