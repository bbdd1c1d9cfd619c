// Writes a Llama with random weights of a size that is measured: config.json and model.safetensors in bf16.
// Usage: random_model SIZE DIRECTORY     (SIZE: 0.1, 0.5 or 1.5 billion parameters)
#include <cstdio>
#include <map>
#include <string>

#include "models/model_files.h"
#include "models/weights.h"

namespace maru {
namespace {

const std::map<std::string, DecoderConfig>& sizes() {
  static const std::map<std::string, DecoderConfig> kSizes{{"0.1",
                                                            {.vocab_size = 32000,
                                                             .hidden_size = 768,
                                                             .intermediate_size = 2048,
                                                             .num_hidden_layers = 12,
                                                             .num_attention_heads = 12,
                                                             .num_key_value_heads = 12}},
                                                           {"0.5",
                                                            {.vocab_size = 65536,
                                                             .hidden_size = 1024,
                                                             .intermediate_size = 2816,
                                                             .num_hidden_layers = 24,
                                                             .num_attention_heads = 16,
                                                             .num_key_value_heads = 8,
                                                             .tie_word_embeddings = false}},
                                                           {"1.5",
                                                            {.vocab_size = 65536,
                                                             .hidden_size = 2048,
                                                             .intermediate_size = 7168,
                                                             .num_hidden_layers = 24,
                                                             .num_attention_heads = 16,
                                                             .num_key_value_heads = 8,
                                                             .tie_word_embeddings = false}}};
  return kSizes;
}

void write(const std::string& size, const fs::path& directory) {
  Decoder model(resolve(sizes().at(size)), Dtype::kBf16);
  allocate_values(model);
  initialise(model, 1);
  model.save(directory);
}

}  // namespace
}  // namespace maru

int main(int argc, char** argv) {
  if (argc != 3 || !maru::sizes().contains(argv[1])) {
    std::fprintf(stderr, "usage: random_model 0.1|0.5|1.5 DIRECTORY\n");
    return 2;
  }
  try {
    maru::write(argv[1], argv[2]);
  } catch (const maru::Failure& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 1;
  }
}
