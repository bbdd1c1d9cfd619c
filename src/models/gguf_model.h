// Models in GGUF: how llama.cpp calls their tensors, which metadata describe them, and where its layout differs from
// Hugging Face's. Both directions, on names and configurations alone; nothing here knows how a model computes. Source:
// llama.cpp's conversion scripts and the GGUF specification. Pure functions, thread-safe.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "formats/gguf.h"
#include "formats/gguf_writer.h"
#include "models/family.h"

namespace maru {

/// Where a tensor of Hugging Face's files lies in GGUF's.
struct GgufPlace {
  std::string tensor;
  int64_t expert = -1;  // its number in a stack of experts; -1: it is the whole tensor
};

/// A Hugging Face model as GGUF sees it.
class GgufArchitecture {
 public:
  /// From the configuration of a model that was read from config.json.
  ///
  /// Throws   kUnimplemented for an architecture or feature that cannot be written, naming it.
  static GgufArchitecture of_config(const DecoderConfig& config, const std::string& where);
  /// From the metadata of a file. Throws kUnimplemented naming those that can be read.
  static GgufArchitecture of_file(const formats::GgufFile& file);

  const std::string& name() const { return name_; }
  const Family& family() const { return *family_; }
  /// "token_embd.weight" of "model.embed_tokens.weight"; nothing for names that the architecture has not. As anywhere,
  /// the name may lack that of the base model in front.
  std::optional<GgufPlace> place(const std::string& hugging_face_name) const;
  /// Whether rows of queries and keys that are rotated together are neighbours, not half a head apart.
  bool has_rotary_pairs() const;
  /// The heads of a tensor for which that makes a difference (by the Hugging Face name), or 0.
  int64_t reordered_heads(std::string_view hugging_face_name) const;
  /// What GGUF stores more than Hugging Face: 1 for Gemma's norms, whose weights are stored minus 1 there.
  double norm_offset(std::string_view hugging_face_name) const;
  int64_t heads() const { return heads_; }
  int64_t experts() const { return experts_; }

 private:
  std::string name_;
  const Family* family_ = nullptr;
  int64_t heads_ = 0, key_value_heads_ = 0, experts_ = 0;
};

/// Reorders the rows of every head: Hugging Face's halves become neighbours.
/// Shapes   values: [rows, cols] with rows a multiple of 2 · heads; CHECKed.
void interleave_rows(std::vector<float>& values, int64_t rows, int64_t heads);
/// Parts that take turns head by head become one below the other.
/// Shapes   values: [heads · parts · n, cols] to [parts · heads · n, cols]; CHECKed.
void stack_parts(std::vector<float>& values, int64_t rows, int64_t heads, int64_t parts);

/// Which of the tensors to write as matrices of `type`, and how the others: vectors, positions and routers as F32;
/// tables as Q8_0 where the type is Q4_0; F16 where rows are no whole blocks.
formats::GgmlType stored_type(formats::GgmlType type, std::string_view gguf_name, const std::vector<int64_t>& shape);

/// general.* and the architecture's own keys. `name` is the model's.
void put_model_metadata(formats::GgufWriter& writer, const GgufArchitecture& architecture, const DecoderConfig& config,
                        formats::GgmlType type, const std::string& name);

struct RopeTensor {
  std::string name;
  std::vector<float> factors;  // by which frequencies are divided, pair by pair
};
/// The scalings that are tensors in GGUF: Llama 3's as "rope_freqs.weight", LongRoPE's as two.
/// Source   transformers, _compute_llama3_parameters.
std::vector<RopeTensor> rope_tensors(const DecoderConfig& config);

/// The config.json of a GGUF model, so that it is read like any other. Throws kDataLoss when a key is missing.
Json hugging_face_config(const formats::GgufFile& file);

}  // namespace maru
