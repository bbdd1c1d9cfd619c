// AdamW, and Muon for matrices, over named parameters with f32 master weights.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/fields.h"
#include "ops/context.h"
#include "ops/parameter.h"

namespace maru {

struct OptimizerConfig {
  std::string name = "adamw";
  double lr = 1e-3;
  double beta1 = 0.9, beta2 = 0.95, eps = 1e-8, weight_decay = 0.1, momentum = 0.95;
  double clip = 1.0;
  static constexpr auto fields() {
    using C = OptimizerConfig;
    return std::tuple{
        field("name", &C::name, "muon: Muon for matrices inside blocks, AdamW for the rest").one_of("adamw|muon"),
        field("lr", &C::lr, "peak learning rate, of both").range(0, 10),
        field("beta1", &C::beta1, "AdamW: decay of the mean gradient").range(0, 0.999999),
        field("beta2", &C::beta2, "AdamW: decay of the mean square").range(0, 0.9999999),
        field("eps", &C::eps, "AdamW: added to the root mean square").range(0, 1),
        field("weight_decay", &C::weight_decay, "decoupled; not applied to norms").range(0, 10),
        field("momentum", &C::momentum, "Muon: Nesterov momentum").range(0, 0.999999),
        field("clip", &C::clip, "largest gradient norm; 0: no clipping").range(0, 1e9)};
  }
};

class Optimizer {
 public:
  /// `parameters` must outlive the optimiser and have values and gradients on `device`, where its state lies too.
  Optimizer(Device& device, const OptimizerConfig& config, const std::vector<Parameter*>& parameters);

  /// What its state takes of the device's memory, for parameters with or without values and gradients.
  static size_t bytes_for(const OptimizerConfig& config, const std::vector<Parameter*>& parameters, Dtype dtype);

  /// The L2 norm of all gradients, in f64, in a fixed order. Infinite or NaN when any gradient is.
  double gradient_norm(Context&) const;
  /// One update with all gradients multiplied by `gradient_scale`, which then become zero. `step` counts from 1.
  void update(Context&, int64_t step, double lr_factor, double gradient_scale);
  /// Multiplier that clips a gradient of this norm.
  double clip_scale(double norm) const;
  /// Its tensors, for checkpoints: "master.model.norm.weight", "m.…", "v.…", "momentum.…".
  std::vector<NamedTensor> state() const;

 private:
  struct Slot {
    Parameter* parameter;
    bool muon, decay;
    Tensor master;         // empty when the values are f32 themselves
    Tensor first, second;  // AdamW: m and v; Muon: momentum and nothing
  };
  void update_adamw(Context&, Slot&, int64_t step, double lr, double gradient_scale);
  void update_muon(Context&, Slot&, double lr, double gradient_scale);
  OptimizerConfig config_;
  std::vector<Slot> slots_;
};

}  // namespace maru
