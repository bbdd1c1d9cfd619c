// The tensors of a model on disk, whatever the container: a Hugging Face directory (one or several safetensors files),
// a safetensors file, or a GGUF file. Views into memory maps; nothing is read but headers. Immutable, thread-safe.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "formats/gguf.h"
#include "formats/integer_weight.h"
#include "formats/safetensors.h"

namespace maru::formats {

struct StoredTensor {
  std::string name, dtype;  // as in the file: "BF16", "Q4_K"
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;
  std::shared_ptr<const MappedFile> owner;  // keeps the bytes mapped

  int64_t elements() const;
};

/// The GGUF file that a path stands for: itself, or the only one of a directory that has no config.json. Nothing when
/// it stands for something else.
///
/// Throws   kInvalidArgument when such a directory has several.
std::optional<fs::path> gguf_file_of(const fs::path& path);

class WeightFiles {
 public:
  /// Opens a directory with model.safetensors, model.safetensors.index.json or one .gguf file, or a single file.
  ///
  /// Throws   kNotFound when there are no weights, kUnimplemented for pickled ones (reading a pickle runs code),
  ///          kDataLoss when a header lies or the index names tensors that are not there.
  explicit WeightFiles(const fs::path& path);

  /// Sorted by name.
  const std::vector<StoredTensor>& tensors() const { return tensors_; }
  /// Null if there is none of this name.
  const StoredTensor* find(std::string_view name) const;
  const std::vector<fs::path>& files() const { return files_; }
  /// Null unless the path is a GGUF file.
  const GgufFile* gguf() const { return gguf_.get(); }
  /// As a safetensors entry, for read_quantized.
  TensorLookup lookup() const;

 private:
  void add_gguf(const fs::path& path);
  void add_safetensors(const fs::path& path);
  void check_index(const fs::path& index, const std::vector<std::string>& names) const;

  std::vector<fs::path> files_;
  std::vector<StoredTensor> tensors_;
  std::vector<SafetensorsEntry> entries_;  // beside tensors_, for lookup
  std::shared_ptr<GgufFile> gguf_;
};

/// The tensors as numbers: quantized ones expanded, under the names of the plain ones. What a conversion reads.
class PlainWeights {
 public:
  struct Item {
    std::string name;
    std::vector<int64_t> shape;
    std::string dtype;  // of the file; empty: quantized
  };
  /// `config` is what config.json says, nothing for GGUF and unquantized models.
  PlainWeights(const WeightFiles& files, std::optional<QuantizationConfig> config, std::string where);
  const std::vector<Item>& items() const { return items_; }
  /// All elements as f32. Throws kUnimplemented for a dtype that holds no weights.
  /// Cost     one tensor's memory as f32.
  std::vector<float> read(const Item& item) const;

 private:
  void add_quantized(const std::string& stem);
  const WeightFiles& files_;
  std::optional<QuantizationConfig> config_;
  std::string where_;
  std::vector<Item> items_;
};

/// Elements of a stored tensor as f32: F32, F16, BF16, and GGUF's block types. Throws kUnimplemented for others.
std::vector<float> read_plain(const StoredTensor& tensor, const std::string& where);

}  // namespace maru::formats
