// model_tool IN OUT: loads a model and saves it again, as an export would.
// model_tool --serving IN OUT: the same in f32 from the weights as they are served, integers turned into numbers.
#include <cstdio>
#include <string>

#include "models/model_files.h"
#include "models/weights.h"
#include "ops/quantized.h"
#include "tensor/cpu_device.h"

namespace maru {
namespace {

void save_as_served(const fs::path& in, const fs::path& out) {
  ThreadPool pool(2);
  CpuDevice device{&pool};
  Arena arena(device, size_t{1} << 28);
  Context ctx{device, arena};
  const auto model = load_for_serving(device.host(), in, Dtype::kF32);
  for (Parameter* parameter : model->parameters()) {
    std::printf("%s %s\n", parameter->name.c_str(), parameter->quantized ? "integers" : "numbers");
    if (!parameter->quantized) continue;
    parameter->value = dequantize(ctx, parameter->quantized);
    parameter->quantized = {};
  }
  model->save(out);
}

}  // namespace
}  // namespace maru

int main(int argc, char** argv) {
  const bool serving = argc == 4 && std::string(argv[1]) == "--serving";
  if (argc != 3 && !serving) return 2;
  try {
    if (serving)
      maru::save_as_served(argv[2], argv[3]);
    else
      maru::load_model(argv[1])->save(argv[2]);
  } catch (const maru::Failure& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
