#include "models/gguf_keys.h"

#include <fmt/format.h>

#include "formats/block_quant.h"

namespace maru {

int64_t GgufKeys::integer(const std::string& key) const {
  const auto value = file_.integer(prefix_ + key);
  if (!value) throw Failure(ErrorCode::kDataLoss, file_.name() + ": " + prefix_ + key + " is missing");
  return *value;
}
int64_t GgufKeys::integer(const std::string& key, int64_t otherwise) const {
  return file_.integer(prefix_ + key).value_or(otherwise);
}
double GgufKeys::number(const std::string& key, double otherwise) const {
  return file_.number(prefix_ + key).value_or(otherwise);
}

std::vector<double> rope_factors_in(const formats::GgufTensor& tensor, const std::string& where) {
  constexpr int64_t kMost = 1 << 16;
  if (tensor.type != formats::GgmlType::kF32 || tensor.shape.size() != 1 || tensor.elements() > kMost)
    throw Failure(ErrorCode::kDataLoss,
                  fmt::format("{}: expected one axis of at most {} F32 numbers, got {} elements of {}", where, kMost,
                              tensor.elements(), tensor.layout().name));
  std::vector<float> values(static_cast<size_t>(tensor.elements()));
  formats::dequantize(tensor.type, tensor.bytes, values);
  return {values.begin(), values.end()};
}

}  // namespace maru
