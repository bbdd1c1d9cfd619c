// A named weight of a model.
#pragma once
#include <string>

#include "ops/quantized_weight.h"
#include "tensor/tensor.h"

namespace maru {

/// What a parameter is, for initialisation, weight decay and the choice of optimiser.
enum class ParameterRole : uint8_t {
  kMatrix,      // weight of a Linear inside a block
  kOutput,      // a Linear that writes to the residual stream (initialised smaller)
  kEmbedding,   // token table
  kRouter,      // scores experts: never quantized
  kPositions,   // table of learned positions
  kHead,        // output projection to the vocabulary
  kVector,      // norm weights: ones at the start, no decay
  kBias,        // biases of linear layers and norms: zeros at the start, no decay
  kRouterBias,  // decides between experts; kept in the accumulator type
  kLengths,     // of a matrix's rows: kept in the accumulator type, no decay
};

struct Parameter {
  std::string name;
  Shape shape;
  ParameterRole role = ParameterRole::kMatrix;
  Tensor value;
  Tensor gradient;            // in the accumulator type; empty: it stays as it is
  QuantizedWeight quantized;  // in place of the value, serving only
};

/// Kept in the accumulator type of the model's.
inline bool is_wide(ParameterRole role) {
  return role == ParameterRole::kRouterBias || role == ParameterRole::kLengths;
}

/// Vectors are rows of one axis in files, are not multiplied with and do not decay.
inline bool is_vector(ParameterRole role) {
  return role == ParameterRole::kVector || role == ParameterRole::kBias || is_wide(role);
}

}  // namespace maru
