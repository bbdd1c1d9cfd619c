// Gradients of an objective against central differences of its loss.
#pragma once
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tensor/cpu_device.h"
#include "train/objective.h"

namespace maru::train {

/// The gradients in f64 that a backward pass has left in `parameters`, at two places of each, against differences of
/// loss(batch, scale); `close` is absolute. `what`: in front of a failure.
inline void expect_gradients_of_differences(Objective& objective, Device& device, const MicroBatch& batch, double scale,
                                            const std::vector<Parameter*>& parameters, double close,
                                            const std::string& what = "") {
  const auto value = [&] {
    Arena arena(device, 1 << 25);
    Context ctx{device, arena};
    return *objective.loss(ctx, batch, scale).data<double>();
  };
  for (Parameter* p : parameters)
    for (const int64_t i : {p->value.size() / 3, p->value.size() / 2}) {
      double& at = p->value.data<double>()[i];
      const double before = at, step = 1e-5;
      at = before + step;
      const double above = value();
      at = before - step;
      const double below = value();
      at = before;
      EXPECT_NEAR((above - below) / (2 * step), p->gradient.data<double>()[i], close) << what << p->name << " " << i;
    }
}

}  // namespace maru::train
