// Numbers of a device as doubles of the host, and back.
#pragma once
#include <vector>

#include "tensor/device.h"

namespace maru::train {

/// Of f32 or f64; none of an empty tensor.
std::vector<double> numbers_of(const Tensor& t);
/// To a tensor of f32 or f64 with as many.
void upload_numbers(const Tensor& to, const std::vector<double>& numbers);

}  // namespace maru::train
