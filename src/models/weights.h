// Memory of a model's weights and gradients, and what is done to all of them.
#pragma once
#include <vector>

#include "models/decoder.h"

namespace maru {

/// Every parameter in the order of visit, each once.
struct ParameterInfo {
  Parameter* parameter;
  Shape shape;
  ParameterRole role;
};
std::vector<ParameterInfo> parameters_of(Decoder& model);

/// What a parameter of a model with weights of type `model` is kept in.
Dtype dtype_of(ParameterRole role, Dtype model);

/// Zeroed memory for all values. The model keeps it alive.
void allocate_values(Decoder& model);
/// Zeroed memory for all gradients.
void allocate_gradients(Decoder& model);

/// Normal(0, initializer_range) for matrices and tables, divided by sqrt(2 · layers) for those that write to the
/// residual stream (Radford et al. 2019, §2.3); ones for norms. Each tensor's numbers depend on the seed and its name
/// alone.
void initialise(Decoder& model, uint64_t seed);

/// Packs every matrix for the matmul kernels of this stream, but for those that are packed already; outputs do not
/// change by a bit.
/// Cost  as much memory again as the weights.
void pack_for_serving(Context& ctx, Decoder& model);
/// The same for one parameter. False: it is not multiplied with, or quantized, or packed already.
bool pack_for_serving(Context& ctx, const DecoderConfig& config, const ParameterInfo& info);

}  // namespace maru
