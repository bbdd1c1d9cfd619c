// Models in GGUF: how llama.cpp calls their tensors, which metadata describe them, and where its layout differs from
// Hugging Face's. Both directions, on names and config.json alone; nothing here knows how a model computes. Source:
// llama.cpp's conversion scripts and the GGUF specification. Pure functions, thread-safe.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "formats/gguf.h"
#include "formats/gguf_writer.h"
#include "models/family.h"

namespace maru {

/// A Hugging Face model as GGUF sees it.
class GgufArchitecture {
 public:
  /// From config.json. Throws kUnimplemented for an architecture or feature that cannot be written, naming it.
  static GgufArchitecture of_config(const Json& config, const std::string& where);
  /// From the metadata of a file. Throws kUnimplemented naming those that can be read.
  static GgufArchitecture of_file(const formats::GgufFile& file);

  const std::string& name() const { return name_; }
  const Family& family() const { return *family_; }
  /// "token_embd.weight" of "model.embed_tokens.weight" and back; nothing for names that the architecture has not.
  std::optional<std::string> gguf_name(std::string_view hugging_face_name) const;
  std::optional<std::string> hugging_face_name(std::string_view gguf_name) const;
  /// Whether rows of queries and keys that are rotated together are neighbours, not half a head apart.
  bool has_rotary_pairs() const;
  /// The heads of a tensor for which that makes a difference (by the Hugging Face name), or 0.
  int64_t reordered_heads(std::string_view hugging_face_name) const;
  /// What GGUF stores more than Hugging Face: 1 for Gemma's norms, whose weights are stored minus 1 there.
  double norm_offset(std::string_view hugging_face_name) const;
  /// Whether the matrix lies in the other order in Hugging Face's files (GPT-2's Conv1D).
  bool transposed(std::string_view hugging_face_name) const;

 private:
  std::string name_;
  const Family* family_ = nullptr;
  int64_t heads_ = 0, key_value_heads_ = 0;
};

/// Reorders the rows of every head: Hugging Face's halves become neighbours.
/// Shapes   values: [rows, cols] with rows a multiple of 2 · heads; CHECKed.
void interleave_rows(std::vector<float>& values, int64_t rows, int64_t heads);

/// Which of the tensors to write as matrices of `type`, and how the others: vectors as F32; tables as Q8_0 where the
/// type is Q4_0; F16 where rows are no whole blocks.
formats::GgmlType stored_type(formats::GgmlType type, std::string_view gguf_name, const std::vector<int64_t>& shape);

/// general.* and the architecture's own keys. `name` is the model's.
void put_model_metadata(formats::GgufWriter& writer, const GgufArchitecture& architecture, const Json& config,
                        formats::GgmlType type, const std::string& name);
/// Factors by which Llama 3 divides its rotary frequencies ("rope_freqs.weight"); empty for other scalings.
/// Source   transformers, _compute_llama3_parameters.
std::vector<float> rope_factors(const Json& config);

/// The config.json of a GGUF model, so that it is read like any other. Throws kDataLoss when a key is missing.
Json hugging_face_config(const formats::GgufFile& file);

}  // namespace maru
