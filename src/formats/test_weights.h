// For tests: models of counting numbers.
#pragma once
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "formats/safetensors_writer.h"

namespace maru::formats {

/// A safetensors file of f32 tensors, each 0, 1, 2, …
inline void write_counting(const fs::path& file,
                           const std::vector<std::pair<std::string, std::vector<int64_t>>>& tensors) {
  SafetensorsWriter writer(file);
  for (const auto& [name, shape] : tensors) writer.declare(name, "F32", shape);
  for (const auto& [name, shape] : tensors) {
    std::vector<float> values(
        static_cast<size_t>(std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>())));
    std::iota(values.begin(), values.end(), 0.0f);
    writer.write(std::as_bytes(std::span(values)));
  }
  writer.commit();
}

}  // namespace maru::formats
