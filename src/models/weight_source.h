// A model on disk as parameters: which stored tensor holds a parameter, and what becomes of it in memory. Readers of
// the containers are in formats/; what a model computes is nowhere here. Thread-compatible.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "formats/weight_files.h"
#include "models/weight_names.h"
#include "ops/parameter.h"

namespace maru {

class WeightSource {
 public:
  /// A Hugging Face directory.
  ///
  /// Throws   what formats::WeightFiles throws; kNotFound or kDataLoss when config.json is missing or no object.
  explicit WeightSource(const fs::path& path);

  /// config.json, and what stands before errors about it.
  const Json& config() const { return config_; }
  const std::string& config_name() const { return config_name_; }

  /// Sets the value of a parameter of `shape` from its part of a tensor: in place if it is stored in `dtype` and in its
  /// order, else in memory of its own. The tensor goes by its name, or by its name without that of the base model in
  /// front, as it has when that alone was saved.
  ///
  /// Throws   kDataLoss when the tensor is missing or of another shape, kUnimplemented for dtypes that hold no weights.
  void load(Parameter&, const std::string& tensor, const StoredPart& part, ParameterRole role, Shape shape,
            Dtype dtype);
  /// The same from a whole tensor in rows.
  void load(Parameter&, const std::string& tensor, ParameterRole role, Shape shape, Dtype dtype);
  /// Sets the quantized weight of a parameter that lies in the files as kernels read it (quantized_files.h), where it
  /// is mapped. False when it does not.
  ///
  /// Throws   kDataLoss when its tensors do not fit it.
  bool load_panels(Parameter&, Shape shape);
  bool contains(const std::string& tensor) const { return files_.find(tensor) != nullptr; }

  /// Throws kUnimplemented if there are tensors that nobody asked for, which would have changed the results. Masks and
  /// rotary tables of old files would not, nor would a head that is tied.
  void refuse_unused(bool tied_head) const;

 private:
  const formats::StoredTensor& find(const std::string& name);
  formats::WeightFiles files_;
  std::string where_, config_name_;
  Json config_;
  bool panels_;  // quantized by Maru
  std::set<std::string, std::less<>> used_;
};

/// The shape that a tensor has in the files.
std::vector<int64_t> stored_shape(const StoredPart& part, ParameterRole role);
/// "BF16" or "F32".
std::string format_name(Dtype dtype);

}  // namespace maru
