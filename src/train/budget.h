// A time budget is turned into steps once, before the first one, so that a run gives the same bits however busy the
// machine becomes. When the steps then take much longer than the budget, that is said.
#pragma once
#include <optional>
#include <string>

namespace maru::train {

class Budget {
 public:
  /// `minutes` = 0: no time budget, never late. `steps`: what the budget was turned into.
  Budget(double minutes, int64_t steps)
      : seconds_(60 * minutes), steps_(steps), pace_(seconds_ / static_cast<double>(steps)) {}

  /// To be called after each step. `spent`: seconds of all steps up to `step`; `last`: of this one. The message, once,
  /// when at the present pace the run will take over a quarter longer than its budget.
  std::optional<std::string> late(int64_t step, double spent, double last);

 private:
  double seconds_;
  int64_t steps_;
  double pace_;      // seconds a step: the plan's at first, then of recent steps
  double seen_ = 0;  // seconds looked at
  bool said_ = false;
};

}  // namespace maru::train
