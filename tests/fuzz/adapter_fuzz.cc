// PEFT adapters from hostile hands: the input is adapter_config.json, a zero byte, adapter_model.safetensors. They are
// read from files as a user's are, and every tensor they change is merged into a small weight.
#include <unistd.h>

#include <cmath>

#include "base/file.h"
#include "formats/lora.h"

namespace maru::formats {
namespace {

const fs::path& directory() {
  static const fs::path kDirectory = [] {
    const fs::path made = fs::temp_directory_path() / ("adapter_fuzz." + std::to_string(::getpid()));
    fs::create_directories(made);
    return made;
  }();
  return kDirectory;
}

void merge_all(const LoraAdapter& adapter) {
  for (const std::string& name : adapter.targets()) {
    const LoraUpdate* update = adapter.update(name);
    if (update == nullptr) continue;
    const int64_t rows = update->b->shape[0], cols = update->a->shape[1];
    if (rows * cols > 4096) continue;
    std::vector<float> weight(static_cast<size_t>(rows * cols), 1.0F);
    try {
      adapter.merge(name, rows, cols, adapter.fan_in_fan_out(), weight);
    } catch (const Failure&) {  // refused with a message: what it should do
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const size_t end = all.find('\0');
  if (end == std::string_view::npos) return 0;
  try {
    write_file(directory() / "adapter_config.json", all.substr(0, end));
    write_file(directory() / "adapter_model.safetensors", all.substr(end + 1));
    const LoraAdapter adapter(directory());
    merge_all(adapter);
  } catch (const Failure&) {  // refused with a message: what it should do
  }
  return 0;
}

}  // namespace maru::formats
