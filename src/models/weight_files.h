// The tensors of a model directory's safetensors files. Thread-compatible.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/file.h"
#include "formats/safetensors.h"
#include "models/weight_names.h"
#include "ops/parameter.h"

namespace maru {

class WeightFiles {
 public:
  /// Maps model.safetensors, or all files that model.safetensors.index.json names.
  ///
  /// Throws   kNotFound or kDataLoss naming the file; kUnimplemented when there are only pickles.
  explicit WeightFiles(const fs::path& directory);

  /// A parameter of `shape` from its part of a tensor: in place if it is stored in `dtype` and in its order, else in
  /// memory of its own. The tensor goes by its name, or by its name without that of the base model in front, as it has
  /// when that alone was saved.
  ///
  /// Throws   kDataLoss when the tensor is missing or of another shape, kUnimplemented for dtypes but F32, BF16, F16.
  Tensor load(const std::string& tensor, const StoredPart& part, ParameterRole role, Shape shape, Dtype dtype);
  /// The same from a whole tensor in rows.
  Tensor load(const std::string& tensor, ParameterRole role, Shape shape, Dtype dtype);
  bool contains(const std::string& tensor) const { return entries_.contains(tensor); }

  /// Throws kUnimplemented if there are tensors that nobody asked for, which would have changed the results. Masks and
  /// rotary tables of old files would not, nor would a head that is tied.
  void refuse_unused(bool tied_head) const;

 private:
  struct Entry {
    const SafetensorsFile* file;
    const SafetensorsEntry* entry;
  };
  Entry find(const std::string& name);
  fs::path directory_;
  std::vector<SafetensorsFile> files_;
  std::map<std::string, Entry> entries_;
  std::set<std::string> used_;
};

/// The shape that a tensor has in the files.
std::vector<int64_t> stored_shape(const StoredPart& part, ParameterRole role);
/// "BF16" or "F32".
std::string format_name(Dtype dtype);

}  // namespace maru
