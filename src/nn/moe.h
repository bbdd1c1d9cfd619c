// A mixture of experts in the place of an MLP.
#pragma once
#include <optional>
#include <vector>

#include "nn/layers.h"
#include "ops/moe.h"

namespace maru {

struct MoeConfig {
  int64_t hidden_size, intermediate_size;
  int64_t shared_size = 0;  // width of the MLP that every token meets; 0: none
  Activation activation = Activation::kSilu;
  RoutingOptions routing;
};

/// Σ over a token's experts of weight · expert(x), + shared(x).
/// Source   Shazeer et al. 2017, arXiv:1701.06538; Jiang et al. 2024 (Mixtral), arXiv:2401.04088; with sigmoid scores
///          and shared experts DeepSeek-AI 2024, arXiv:2412.19437, §2.1.2.
struct MoeMlp {
  MoeConfig config;
  Linear gate;
  Parameter correction_bias;  // added to sigmoid scores for the choice alone: it has no gradient
  std::vector<Mlp> experts;
  std::optional<Mlp> shared_experts;

  explicit MoeMlp(const MoeConfig&);
  Tensor forward(Context&, const Tensor& x);
  void visit(const std::string& prefix, const Visitor&);

 private:
  bool rows_differ(const Context&) const;
  Tensor compute(Context&, const Tensor& x);
};

}  // namespace maru
