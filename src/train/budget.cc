#include "train/budget.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/progress.h"

namespace maru::train {
namespace {

constexpr double kLate = 1.25, kWeight = 0.1, kOutlier = 3;
constexpr double kLookSeconds = 60, kLookPart = 0.1;  // of the budget, before a pace means anything

}  // namespace

std::optional<std::string> Budget::late(int64_t step, double spent, double last) {
  if (seconds_ == 0 || said_ || step >= steps_) return std::nullopt;
  pace_ += kWeight * (std::min(last, kOutlier * pace_) - pace_);
  seen_ += last;
  const double end = spent + pace_ * static_cast<double>(steps_ - step);
  if (seen_ < std::min(kLookSeconds, kLookPart * seconds_) || end <= kLate * seconds_) return std::nullopt;
  said_ = true;
  return fmt::format(
      "the {} steps planned for {} will take about {} at the present pace: this machine is slower now than when they "
      "were planned. The plan stays, so that the run can be repeated bit by bit. What shortens it: other programs that "
      "stop; or Ctrl-C and a new run with a smaller budget (--minutes, train.steps)",
      steps_, short_time(seconds_), short_time(end));
}

}  // namespace maru::train
