// Tensors of a device as a safetensors file, each under its name.
#pragma once
#include <vector>

#include "base/file.h"
#include "tensor/tensor.h"

namespace maru {

/// Throws   kExhausted on a full disk; no half of a file is left.
void save_tensors(const fs::path& file, const std::vector<NamedTensor>& tensors);
/// Reads into the memory that the tensors have.
///
/// Throws   kNotFound, kDataLoss naming the file and the tensor that is missing or of another type or shape.
void load_tensors(const fs::path& file, const std::vector<NamedTensor>& tensors);

}  // namespace maru
