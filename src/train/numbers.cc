#include "train/numbers.h"

namespace maru::train {

std::vector<double> numbers_of(const Tensor& t) {
  if (!t) return {};
  const Tensor read = to_host(t);
  const bool wide = read.dtype() == Dtype::kF64;
  std::vector<double> numbers(static_cast<size_t>(read.size()));
  for (size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = wide ? read.data<double>()[i] : static_cast<double>(read.data<float>()[i]);
  return numbers;
}

void upload_numbers(const Tensor& to, const std::vector<double>& numbers) {
  if (to.dtype() == Dtype::kF64) return upload(to, numbers.data());
  const std::vector<float> narrow(numbers.begin(), numbers.end());
  upload(to, narrow.data());
}

}  // namespace maru::train
