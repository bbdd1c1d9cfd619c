// The architectures of GGUF files that this build knows: names of tensors and metadata, as data. Internal to
// gguf_model.cc. Source: constants.py and tensor_mapping.py of the gguf Python package; llama.cpp's conversion scripts
// and its load_arch_hparams for what a file leaves unsaid.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "formats/gguf.h"
#include "formats/gguf_writer.h"

namespace maru::formats {

/// Modules of Hugging Face's files and of GGUF's, whose ".weight" and ".bias" correspond.
struct NamePair {
  std::string_view hugging_face, gguf;
};

/// Metadata under the architecture's prefix.
class GgufKeys {
 public:
  GgufKeys(const GgufFile& file, std::string prefix) : file_(file), prefix_(std::move(prefix)) {}
  /// Throws kDataLoss when the key is missing.
  int64_t integer(const std::string& key) const;
  int64_t integer(const std::string& key, int64_t otherwise) const;
  double number(const std::string& key, double otherwise) const;
  std::string text(const std::string& key) const { return file_.text(prefix_ + key).value_or(""); }
  bool has(const std::string& key) const { return file_.find(prefix_ + key) != nullptr; }
  bool flag(const std::string& key, bool otherwise) const { return file_.boolean(prefix_ + key).value_or(otherwise); }
  const GgufFile& file() const { return file_; }
  const std::string& prefix() const { return prefix_; }

 private:
  const GgufFile& file_;
  std::string prefix_;
};

/// The other way: keys under the architecture's prefix in a file that is being written.
class GgufKeyWriter {
 public:
  GgufKeyWriter(GgufWriter& writer, std::string prefix) : writer_(writer), prefix_(std::move(prefix)) {}
  void integer(const char* key, int64_t value) { writer_.set(prefix_ + key, static_cast<uint32_t>(value)); }
  void number(const char* key, double value) { writer_.set(prefix_ + key, static_cast<float>(value)); }
  void text(const char* key, std::string_view value) { writer_.set(prefix_ + key, value); }

 private:
  GgufWriter& writer_;
  std::string prefix_;
};

struct GgufFamily {
  std::string_view hugging_face, model_type, gguf;
  std::string_view layers;  // before the number of a layer in Hugging Face's names
  std::span<const NamePair> outer, block;
  std::span<const NamePair> keys = {};   // keys of config.json that have other names in this family (second)
  std::string_view activation = "silu";  // the only one that llama.cpp computes
  std::string_view activation_key = "hidden_act";
  bool neighbours = false;    // rows of queries and keys are stored with rotary pairs side by side
  bool transposed = false;    // Hugging Face's matrices in layers are [in, out], GGUF's [out, in]
  bool rms_norm = true;       // false: also learned positions in place of rotary ones
  bool local_base = false;    // layers with a window have a rotary base of their own
  int64_t default_width = 0;  // of the MLP where config.json has none, in hidden sizes
  double norm_offset = 0;     // what GGUF's norm weights have more than Hugging Face's
  void (*read)(const GgufKeys& from, Json& config) = nullptr;      // what the common keys do not say …
  void (*write)(const Json& config, GgufKeyWriter& to) = nullptr;  // … and back; throws kUnimplemented
};

std::span<const GgufFamily> gguf_families();

/// What rotary frequencies are divided by, pair by pair. Throws kDataLoss when it is no vector of F32.
std::vector<double> rope_factors_in(const GgufTensor& tensor, const std::string& where);

// Typed reading of config.json. Throws kInvalidArgument naming the key.
template <class T>
T config_value(const Json& config, const char* key, T otherwise) {
  const auto it = config.find(key);
  if (it == config.end() || it->is_null()) return otherwise;
  try {
    return it->get<T>();
  } catch (const nlohmann::json::exception&) {
    throw Failure(ErrorCode::kInvalidArgument,
                  std::string("config.json: ") + key + ": unexpected type, got " + it->dump());
  }
}
int64_t required_size(const Json& config, const char* key);
int64_t heads_of(const Json& config);
int64_t head_dim_of(const Json& config);

}  // namespace maru::formats
