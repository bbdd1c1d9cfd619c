// A model on disk as parameters: which stored tensor holds a parameter, and what becomes of it in memory. Readers of
// the containers are in formats/; what a model computes is nowhere here. Thread-compatible.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "formats/weight_files.h"
#include "models/gguf_model.h"
#include "models/weight_names.h"
#include "ops/parameter.h"
#include "tensor/device.h"

namespace maru {

/// The configuration of a model on disk, and what stands before errors about it. Of a GGUF file: what its metadata say,
/// as a config.json.
struct StoredConfig {
  Json json;
  std::string name;
};
/// Throws   kNotFound or kDataLoss when config.json is missing or no object; what hugging_face_config throws.
StoredConfig read_stored_config(const fs::path& path);

class WeightSource {
 public:
  /// A Hugging Face directory, a GGUF file, or a directory with one GGUF file and no config.json.
  ///
  /// Throws   what formats::WeightFiles and read_stored_config throw.
  explicit WeightSource(const fs::path& path);

  const Json& config() const { return config_.json; }
  const std::string& config_name() const { return config_.name; }

  /// Sets the value of a parameter of `shape` from its part of a tensor: in place if it is stored in `dtype` and in its
  /// order, else in memory of its own; quantized ones are expanded. The tensor goes by its name in Hugging Face's
  /// files, or by its name without that of the base model in front, as it has when that alone was saved.
  ///
  /// Throws   kDataLoss when the tensor is missing or of another shape, kUnimplemented for dtypes that hold no weights.
  void load(Parameter&, const std::string& tensor, const StoredPart& part, ParameterRole role, Shape shape,
            Dtype dtype);
  /// The same from a whole tensor in rows.
  void load(Parameter&, const std::string& tensor, ParameterRole role, Shape shape, Dtype dtype);
  /// Sets the quantized weight of a parameter from integers in the files, where they are mapped if kernels read them
  /// so; false when it is not stored as integers in groups of whole 32 columns. docs/formats says what is rounded.
  ///
  /// Throws   as load; kInvalidArgument when a scale is too large for a half.
  bool load_quantized(const HostStream&, Parameter&, const std::string& tensor, const StoredPart& part);
  /// Sets the quantized weight of a parameter that lies in the files as kernels read it (quantized_files.h), where it
  /// is mapped. False when it does not.
  ///
  /// Throws   kDataLoss when its tensors do not fit it.
  bool load_panels(Parameter&, Shape shape);
  /// Whether rows of queries and keys that are rotated together are neighbours in the files.
  bool has_rotary_pairs() const;
  bool contains(const std::string& tensor) const { return items_.contains(tensor); }

  /// Throws kUnimplemented if there are tensors that nobody asked for, which would have changed the results. Masks and
  /// rotary tables would not, nor would a head that is tied (by its name in Hugging Face's files; empty: none is).
  void refuse_unused(const std::string& tied_head) const;

 private:
  using Item = formats::PlainWeights::Item;
  /// A tensor of the files, and the part of it that a parameter is.
  struct Found {
    const Item& item;
    StoredPart part;
    float offset;  // what it has more than the parameter
  };
  Found find(const std::string& tensor, const StoredPart& part, ParameterRole role);
  std::vector<int64_t> place_in_gguf(Found&, const std::string& tensor, ParameterRole) const;
  const Item* find_item(const std::string& tensor) const;
  Tensor expanded(const Found&, Shape shape, Dtype dtype) const;
  /// Blocks where they are mapped; nothing when kernels do not read them so.
  std::optional<QuantizedWeight> mapped_blocks(const Found&) const;
  QuantizedWeight packed_blocks(const HostStream&, const Found&) const;
  QuantizedWeight packed_integers(const HostStream&, const StoredPart&, const formats::IntegerWeight&) const;

  formats::WeightFiles files_;
  std::string where_;
  std::optional<GgufArchitecture> gguf_;
  StoredConfig config_;
  std::optional<formats::QuantizationConfig> quantization_;
  formats::PlainWeights plain_;
  std::map<std::string, const Item*, std::less<>> items_;  // of plain_, by name
  std::set<std::string, std::less<>> used_;
};

/// The shape that a tensor has in the files.
std::vector<int64_t> stored_shape(const StoredPart& part, ParameterRole role);
/// "BF16" or "F32".
std::string format_name(Dtype dtype);

}  // namespace maru
