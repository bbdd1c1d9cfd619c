// Memory of a model's weights and gradients, and what is done to all of them.
#pragma once
#include "models/decoder.h"

namespace maru {

/// What a parameter of a model with weights of type `model` is kept in.
Dtype dtype_of(ParameterRole role, Dtype model);

/// Bytes of all values; of quantized weights and tables none.
int64_t value_bytes(Model& model);
/// Zeroed memory of the host for all values. The model keeps it alive.
void allocate_values(Model& model);
/// Takes the values, quantized weights and tables of a model, read or made on the host, to where they are computed
/// with. On the CPU all stays where it is, in a mapped file for one.
void place(Device& device, Model& model);
/// Zeroed memory of the device for all gradients.
void allocate_gradients(Device& device, Model& model);

/// Normal(0, deviation), by the seed and its name alone. On the host.
void fill_normal(Parameter& parameter, double deviation, uint64_t seed);

/// Normal(0, initializer_range) for matrices and tables, divided by sqrt(2 · layers) for those that write to the
/// residual stream (Radford et al. 2019, §2.3); ones for norms. On the host, before place. Each tensor's numbers depend
/// on the seed and its name alone.
void initialise(Decoder& model, uint64_t seed);

}  // namespace maru
