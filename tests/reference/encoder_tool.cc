// For encoder_reference_test.py: runs an encoder on token ids.
// Usage: encoder_tool MODEL INPUT OUTPUT [DTYPE]
//   INPUT   a JSON list of {"tokens": […], "types": […]}
//   OUTPUT  the vectors, or the logits of a classifier, as f32 end to end
#include <cstdio>
#include <string>

#include "base/json.h"
#include "infer/encoder_runner.h"
#include "tensor/cpu_device.h"

namespace maru::infer {
namespace {

std::vector<EncoderInput> read_inputs(const fs::path& path) {
  std::vector<EncoderInput> inputs;
  for (const Json& row : read_json(path))
    inputs.push_back({row.at("tokens").get<std::vector<int32_t>>(), row.at("types").get<std::vector<int32_t>>()});
  return inputs;
}

int run(const fs::path& directory, const fs::path& input, const fs::path& output, std::optional<Dtype> dtype) {
  ThreadPool pool(2);
  SentenceEncoder model = SentenceEncoder::load(directory, dtype);
  CpuDevice device(&pool);
  EncoderRunner runner(model, device);
  const std::vector<EncoderInput> inputs = read_inputs(input);
  std::string bytes;
  for (const std::vector<float>& row : model.is_classifier() ? runner.classify(inputs) : runner.embed(inputs))
    bytes.append(reinterpret_cast<const char*>(row.data()), row.size() * sizeof(float));
  write_file(output, bytes);
  return 0;
}

}  // namespace
}  // namespace maru::infer

int main(int argc, char** argv) {
  if (argc != 4 && argc != 5) return std::fputs("usage: encoder_tool MODEL INPUT OUTPUT [DTYPE]\n", stderr), 2;
  try {
    const auto dtype = argc == 5 ? std::optional(maru::parse_dtype(argv[4])) : std::nullopt;
    return maru::infer::run(argv[1], argv[2], argv[3], dtype);
  } catch (const std::exception& e) {
    return std::fprintf(stderr, "%s\n", e.what()), 1;
  }
}
