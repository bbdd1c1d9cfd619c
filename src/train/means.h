// Means of what several micro-batches tell, by name.
#pragma once
#include <map>
#include <string>
#include <utility>

namespace maru::train {

/// Sums in the order of what is added: the same bits for the same micro-batches.
class Means {
 public:
  /// The sum over `count` things; none of them is nothing said.
  void add(const std::string& name, double sum, int64_t count = 1) {
    if (count == 0) return;
    auto& [all, counted] = sums_[name];
    all += sum, counted += count;
  }
  /// Of all that was added since they were taken last.
  std::map<std::string, double> take() {
    std::map<std::string, double> means;
    for (const auto& [name, sum] : std::exchange(sums_, {})) means[name] = sum.first / static_cast<double>(sum.second);
    return means;
  }

 private:
  std::map<std::string, std::pair<double, int64_t>> sums_;
};

}  // namespace maru::train
