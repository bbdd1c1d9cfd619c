#include "models/tensor_files.h"

#include <fmt/format.h>

#include "formats/safetensors.h"
#include "models/weight_source.h"
#include "tensor/device.h"

namespace maru {

void save_tensors(const fs::path& file, const std::vector<NamedTensor>& tensors) {
  std::vector<formats::SafetensorsItem> items;
  std::vector<Tensor> held;
  for (const NamedTensor& named : tensors) {
    const Tensor& t = held.emplace_back(to_host(named.tensor));
    items.push_back({named.name, format_name(t.dtype()), {t.rows(), t.cols()}, {t.data<std::byte>(), t.bytes()}});
  }
  formats::write_safetensors(file, items);
}

void load_tensors(const fs::path& path, const std::vector<NamedTensor>& tensors) {
  const formats::SafetensorsFile file = formats::SafetensorsFile::open(path).value();
  for (const NamedTensor& named : tensors) {
    const Tensor& t = named.tensor;
    const auto it = file.entries().find(named.name);
    if (it == file.entries().end() || it->second.dtype != format_name(t.dtype()) ||
        it->second.shape != std::vector{t.rows(), t.cols()})
      throw Failure(ErrorCode::kDataLoss, fmt::format("{}: tensor {}: expected {} of shape [{}, {}]", path.string(),
                                                      named.name, format_name(t.dtype()), t.rows(), t.cols()));
    upload(t, it->second.bytes.data());
  }
}

}  // namespace maru
