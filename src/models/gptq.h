// Rounding a weight with regard to what it is multiplied with: not the error of the weight is kept small but that of
// its products on a calibration text (GPTQ). Serving only.
//
// With inputs X [tokens, in] the error of a row w rounded to v is |X(w - v)|² = (w - v) H (w - v)ᵀ, H = XᵀX. H is
// damped and written as M D Mᵀ, M unit upper triangular, so that the error is
//
//   Σ over columns k of  d_k · ((w_k - v_k) + Σ_{j<k} (w_j - v_j) M_jk)²
//
// and rounding w_k + Σ_{j<k} (w_j - v_j) M_jk in ascending order of k keeps each term at half a step.
#pragma once
#include <vector>

#include "ops/context.h"
#include "ops/quantized_weight.h"

namespace maru {

/// XᵀX of the inputs that a weight saw, on their device. Owned by one thread.
class InputStatistics {
 public:
  InputStatistics(Device&, int64_t dim);
  /// Adds the rows of x, f32 or bf16.
  void add(Device&, const Tensor& x);
  int64_t dim() const { return dim_; }
  const Tensor& products() const { return products_; }  // f32 [dim, dim]

 private:
  int64_t dim_;
  Tensor products_;
  Tensor scratch_;
};

/// H + λ = M D Mᵀ, λ = `damping` times the mean of H's diagonal, on the host. Immutable.
/// Cost     dim³ / 3 operations in f64.
class ErrorFactors {
 public:
  ErrorFactors(const HostStream&, const InputStatistics&, double damping = 0.01);
  int64_t dim() const { return dim_; }
  /// M_jk for j < k, at [k · dim + j].
  const float* spread() const { return spread_.data<float>(); }
  const std::vector<float>& d() const { return d_; }

 private:
  int64_t dim_;
  Tensor spread_;
  std::vector<float> d_;
};

/// Rounds a weight (f32 or bf16) column by column, each taking up what the ones before it lost. A group's scale is
/// found when its first column is reached: of those that `quantize` tries and refits, the one of smallest error above.
///
/// Shapes   weight [out, dim], of the device, as the result is. The work is the host's.
/// Throws   kInvalidArgument when a weight is not finite or too large, or of another width.
/// Cost     out · dim² operations. The bits depend on the instruction set, not on the number of threads.
/// Source   Frantar et al. 2022, arXiv:2210.17323; in this form Chee et al. 2023 (QuIP), arXiv:2307.13304, §3.
QuantizedWeight quantize_for_inputs(Device&, const Tensor& weight, QuantizedKind, const ErrorFactors&);

}  // namespace maru
