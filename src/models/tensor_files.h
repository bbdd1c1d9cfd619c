// The tensors of a model directory's safetensors files, by name. Thread-safe: only reads.
#pragma once
#include <map>
#include <string>
#include <utility>

#include "base/file.h"
#include "formats/safetensors.h"
#include "tensor/tensor.h"

namespace maru {

class TensorFiles {
 public:
  /// model.safetensors, or all files that model.safetensors.index.json names.
  ///
  /// Throws   kNotFound, kDataLoss or kUnimplemented, naming the file.
  static TensorFiles open(const fs::path& directory);
  bool contains(const std::string& name) const { return entries_.contains(name); }
  /// A tensor in `dtype` (bf16 or f32): in place when it is stored so, else converted into memory of its own.
  /// A tensor of one axis is a row.
  ///
  /// Throws   kDataLoss when it is missing or of another shape, kUnimplemented when its dtype is not a known one.
  Tensor load(const std::string& name, Shape shape, Dtype dtype) const;

 private:
  fs::path directory_;
  std::map<std::string, std::pair<SafetensorsFile, SafetensorsEntry>> entries_;
};

}  // namespace maru
