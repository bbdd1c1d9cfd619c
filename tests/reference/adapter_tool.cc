// What a model answers with an adapter beside its weights, for adapter_reference_test.py.
//
//   adapter_tool run MODEL ADAPTER KIND TOKENS OUT   logits of the tokens ("1,5,3") to OUT as f32; prints 32 greedy
//   ones adapter_tool dequantized MODEL KIND OUT          saves the model as it is after rounding to KIND adapter_tool
//   names                               reads "pattern\tname" lines; prints 1, 0 or "refused" for each
//
// KIND is f32, int8 or int4.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <sstream>

#include "base/file.h"
#include "formats/name_pattern.h"
#include "models/adapter.h"
#include "models/model_files.h"
#include "models/quantize.h"
#include "models/weights.h"
#include "ops/quantized.h"
#include "tensor/cpu_device.h"

namespace maru {
namespace {

struct Machine {
  ThreadPool pool{2};
  CpuDevice device{&pool};
  Arena arena{device, 1 << 26};
  Context ctx{device, arena};
};

std::unique_ptr<Decoder> load(Machine& machine, const fs::path& directory, const std::string& kind) {
  auto model = load_model(directory, Dtype::kF32);
  if (kind == "int8") quantize_weights(machine.device, *model, QuantizedKind::kInt8);
  if (kind == "int4") quantize_weights(machine.device, *model, QuantizedKind::kInt4);
  return model;
}

std::vector<float> logits(Machine& machine, Decoder& model, KvCache& cache, std::span<const int32_t> tokens,
                          int64_t position) {
  BatchBuilder builder;
  builder.add(tokens, position, {1, 0});
  const Tensor y = model.logits(machine.ctx, model.forward(machine.ctx, builder.batch(machine.ctx, &cache)));
  return {y.data<float>(), y.data<float>() + y.size()};
}

int run(const fs::path& model_directory, const fs::path& adapter_directory, const std::string& kind,
        const std::string& list, const fs::path& out) {
  Machine machine;
  const auto model = load(machine, model_directory, kind);
  Adapter adapter(machine.device, *model, adapter_directory);
  machine.ctx.adapters = &adapter.everywhere();
  std::vector<int32_t> tokens;
  std::istringstream numbers(list);
  for (std::string number; std::getline(numbers, number, ',');) tokens.push_back(std::stoi(number));
  KvCache cache(machine.device, model->cache_shape(), 2);
  std::vector<float> y = logits(machine, *model, cache, tokens, 0);
  write_file(out, std::string(reinterpret_cast<const char*>(y.data()), y.size() * sizeof(float)));
  for (int i = 0; i < 32; ++i) {
    const auto row = y.end() - model->config().vocab_size;
    tokens.push_back(static_cast<int32_t>(std::max_element(row, y.end()) - row));
    std::printf("%d ", tokens.back());
    y = logits(machine, *model, cache, std::span(tokens).last(1), static_cast<int64_t>(tokens.size()) - 1);
  }
  return 0;
}

int save_dequantized(const fs::path& directory, const std::string& kind, const fs::path& out) {
  Machine machine;
  const auto rounded = load(machine, directory, kind);
  const auto plain = load_model(directory, Dtype::kF32);
  const auto from = rounded->parameters(), to = plain->parameters();
  for (size_t i = 0; i < to.size(); ++i) {
    if (!from[i]->quantized) continue;
    const Tensor values = to_host(dequantize(machine.ctx, from[i]->quantized));
    const Tensor own = host_tensor(to[i]->shape, Dtype::kF32);
    upload(own, values.data<float>());
    to[i]->value = own;
  }
  plain->save(out);
  return 0;
}

int names() {
  for (std::string line; std::getline(std::cin, line);) {
    const size_t tab = line.find('\t');
    const auto pattern = formats::NamePattern::compile(line.substr(0, tab), "pattern");
    std::puts(!pattern.ok() ? "refused" : pattern.value().names(line.substr(tab + 1)) ? "1" : "0");
  }
  return 0;
}

}  // namespace
}  // namespace maru

int main(int argc, char** argv) {
  const std::vector<std::string> a(argv + 1, argv + argc);
  try {
    if (a.size() == 6 && a[0] == "run") return maru::run(a[1], a[2], a[3], a[4], a[5]);
    if (a.size() == 4 && a[0] == "dequantized") return maru::save_dequantized(a[1], a[2], a[3]);
    if (a.size() == 1 && a[0] == "names") return maru::names();
  } catch (const maru::Failure& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
  return 2;
}
