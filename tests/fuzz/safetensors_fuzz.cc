// Safetensors from hostile hands: parsed, then read as weights of each quantization method under each of its names.
#include "base/json.h"
#include "formats/integer_weight.h"
#include "formats/safetensors.h"

namespace maru::formats {
namespace {

void read_as(const SafetensorsFile& file, const QuantizationConfig& config) {
  const TensorLookup lookup = [&](const std::string& name) -> const SafetensorsEntry* {
    const auto it = file.entries().find(name);
    return it == file.entries().end() ? nullptr : &it->second;
  };
  for (const auto& [name, entry] : file.entries()) {
    const std::string weight = name.substr(0, name.rfind('.') + 1) + "weight";
    try {
      (void)read_quantized(config, lookup, weight, "fuzz");
    } catch (const Failure&) {  // refused with a message: what it should do
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const QuantizationConfig config{.method = static_cast<QuantizationMethod>(data[0] % 4),
                                  .bits = data[1] % 10,
                                  .group_size = data[1] / 10,
                                  .block = {data[0] / 4 % 4, data[0] / 16 % 4}};
  const Result<SafetensorsFile> file =
      SafetensorsFile::parse({reinterpret_cast<const std::byte*>(data) + 2, size - 2}, "fuzz.safetensors");
  if (file.ok()) read_as(file.value(), config);
  return 0;
}

}  // namespace maru::formats
