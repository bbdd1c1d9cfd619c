#include "nn/moe.h"

#include <algorithm>

#include "nn/adapted.h"
#include "ops/elementwise.h"

namespace maru {

MoeMlp::MoeMlp(const MoeConfig& c) : config(c), gate{c.hidden_size, c.routing.experts, ParameterRole::kRouter} {
  for (int64_t i = 0; i < c.routing.experts; ++i)
    experts.emplace_back(c.hidden_size, c.intermediate_size, c.activation);
  if (c.shared_size > 0) shared_experts.emplace(c.hidden_size, c.shared_size, c.activation);
}

Tensor MoeMlp::forward(Context& ctx, const Tensor& x) {
  const auto rows = [this](Context& c, const Tensor& part) { return compute(c, part); };
  return rows_differ(ctx) ? run_by_run(ctx, x, rows) : rows(ctx, x);
}

// An expert sees rows of all runs at once.
bool MoeMlp::rows_differ(const Context& ctx) const {
  if (ctx.adapters == nullptr) return false;
  return differ(ctx, {&correction_bias}, Apart::kReplaced) || std::ranges::any_of(experts, [&](const Mlp& expert) {
           return differ(ctx, {&expert.gate_proj.weight, &expert.up_proj.weight, &expert.down_proj.weight},
                         Apart::kReplaced);
         });
}

Tensor MoeMlp::compute(Context& ctx, const Tensor& x) {
  const Tensor logits = project(ctx, x, gate.weight);
  const Routing routing = route(ctx, logits, chosen(ctx, correction_bias).value, config.routing);
  const auto each = [&](Linear Mlp::*part) {
    std::vector<Parameter*> weights;
    for (Mlp& expert : experts) weights.push_back(&chosen(ctx, (expert.*part).weight));
    return weights;
  };
  const Tensor inner = group_rows(ctx, x, routing);
  const Tensor g = grouped_linear(ctx, inner, each(&Mlp::gate_proj), routing);
  const Tensor u = grouped_linear(ctx, inner, each(&Mlp::up_proj), routing);
  const Tensor y = grouped_linear(ctx, gated(ctx, g, u, config.activation), each(&Mlp::down_proj), routing);
  const Tensor sum = combine(ctx, y, routing);
  return shared_experts ? add_scaled(ctx, sum, shared_experts->forward(ctx, x)) : sum;
}

void MoeMlp::visit(const std::string& prefix, const Visitor& visitor) {
  gate.visit(prefix + ".gate", visitor);
  if (config.routing.sigmoid)
    visitor(prefix + ".gate.e_score_correction_bias", correction_bias, {1, config.routing.experts},
            ParameterRole::kRouterBias);
  for (size_t i = 0; i < experts.size(); ++i) experts[i].visit(prefix + ".experts." + std::to_string(i), visitor);
  if (shared_experts) shared_experts->visit(prefix + ".shared_experts", visitor);
}

}  // namespace maru
