// How the tensors of a family's files are called and laid out, where that differs from Llama's.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/tensor.h"

namespace maru {

enum class WeightLayout : uint8_t {
  kRows,         // as ours: [out, in]
  kTransposed,   // [in, out] (GPT-2's Conv1D)
  kInterleaved,  // the parts of a fused tensor take turns head by head (GPT-NeoX's query_key_value)
  // Rows of a head that are rotated together (queries and keys): neighbours in the file and half a head apart here, as
  // GGUF's llama has them, or the other way round.
  kRotaryPairs,
  kRotaryHalves,
};

/// Modules of ours and of the file, whose ".weight" and ".bias" correspond; "*" stands for a number. Modules of ours
/// with the same name in the file are one fused tensor, in the order of their rules. The parts of an interleaved one
/// are equally large.
struct WeightRule {
  std::string_view ours, theirs;
  WeightLayout layout = WeightLayout::kRows;
};

/// The tensor of the files that holds a parameter.
struct WeightPlace {
  std::string tensor;
  WeightLayout layout = WeightLayout::kRows;
  std::vector<std::string> parts;  // parameters of ours in this tensor, in order; one: it is not fused
};

/// The place of a parameter named as ours ("model.layers.3.self_attn.q_proj.weight").
WeightPlace place_of(const std::string& parameter, std::span<const WeightRule> rules);

/// Whether the files hold this tensor of theirs as [in, out]; its name may lack that of the base model in front.
bool is_transposed(const std::string& tensor, std::span<const WeightRule> rules);
/// How many parts take turns in this tensor of theirs, likewise; 0: none do.
int64_t interleaved_parts(const std::string& tensor, std::span<const WeightRule> rules);

/// Where the elements of a parameter lie in its tensor. Vectors are columns here: [n, 1].
struct StoredPart {
  WeightLayout layout;
  Shape shape;         // of the parameter, as rows of outputs
  int64_t first_row;   // of its outputs among those of all parts (kInterleaved: its number among them)
  int64_t total_rows;  // of all parts
  int64_t head_dim;    // kInterleaved: rows before it is another part's turn; rotary ones: rows of a head

  int64_t row_of(int64_t r) const {
    if (is_rotary()) return rotary_row(r);
    if (layout != WeightLayout::kInterleaved) return first_row + r;
    return (r / head_dim * (total_rows / shape.rows) + first_row / shape.rows) * head_dim + r % head_dim;
  }
  bool transposed() const { return layout == WeightLayout::kTransposed && shape.cols > 1; }
  /// Element (r, 0) and the distance to (r, 1).
  int64_t at(int64_t r) const { return transposed() ? row_of(r) : row_of(r) * shape.cols; }
  int64_t stride() const { return transposed() ? total_rows : 1; }
  /// One run of elements in the order of the parameter, which can be used in place.
  bool in_place() const {
    const bool in_order = layout != WeightLayout::kInterleaved || total_rows == shape.rows;
    return in_order && !transposed() && !is_rotary();
  }

 private:
  bool is_rotary() const { return layout == WeightLayout::kRotaryPairs || layout == WeightLayout::kRotaryHalves; }
  int64_t rotary_row(int64_t r) const {
    const int64_t in_head = r % head_dim, half = head_dim / 2, head = r - in_head;
    return layout == WeightLayout::kRotaryPairs ? head + in_head % half * 2 + in_head / half
                                                : head + in_head % 2 * half + in_head / 2;
  }
};

}  // namespace maru
