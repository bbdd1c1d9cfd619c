// For tests: small models and adapters on disk, ready to be served.
#pragma once
#include <cstdint>
#include <string>

#include "infer/fake_model.h"
#include "models/test_adapter.h"
#include "models/weights.h"
#include "text/tokenizer/files/tokenizer_json.h"

namespace maru::serving {

inline DecoderConfig test_config() {
  return resolve({.vocab_size = 261,
                  .hidden_size = 32,
                  .intermediate_size = 64,
                  .num_hidden_layers = 2,
                  .num_attention_heads = 4,
                  .num_key_value_heads = 2,
                  .max_position_embeddings = 256,
                  .initializer_range = 0.3});
}

/// A model with a byte tokenizer; other seeds, other weights.
inline void write_test_model(const fs::path& directory, uint64_t seed, DecoderConfig config = test_config()) {
  Decoder model(config, Dtype::kF32);
  allocate_values(model);
  initialise(model, seed);
  fs::create_directories(directory);
  model.save(directory);
  write_file(directory / "tokenizer.json", text::write_tokenizer_json(infer::byte_tokenizer().spec()));
}

/// An adapter of such a model that changes what it says. `base`: the model that it names; empty: none.
inline void write_served_adapter(const fs::path& directory, uint64_t seed, const std::string& base = "",
                                 const std::string& only = "", DecoderConfig config = test_config()) {
  Decoder model(config, Dtype::kF32);
  write_test_adapter(directory, model, seed, 0.5, only);
  if (base.empty()) return;
  Json json = read_json(directory / "adapter_config.json");
  json["base_model_name_or_path"] = base;
  write_json(directory / "adapter_config.json", json);
}

}  // namespace maru::serving
