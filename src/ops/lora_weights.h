// What an adapter learnt beside a weight. See ops/lora.h for what is done with it.
#pragma once
#include "ops/parameter.h"

namespace maru {

/// scale · b · a, which is added to a weight [out, in] that stays as it is; with DoRA every row of the sum is then
/// multiplied with a factor. a and b have the dtype of the activations.
struct LoraWeights {
  Parameter a;  // [rank, in]; beside a token table [tokens, rank]
  Parameter b;  // [out, rank]
  double scale = 1;
  Tensor row_scale;     // DoRA: [1, out] in the accumulator type; empty: none, or as the lengths say
  Parameter magnitude;  // DoRA in training: the lengths of the rows, [1, out] in the accumulator type; empty: they stay

  bool is_decomposed() const { return row_scale || magnitude.value; }
};

}  // namespace maru
