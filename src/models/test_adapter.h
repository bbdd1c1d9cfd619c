// A PEFT adapter for tests: of every linear layer inside the blocks of a model, or of its head.
#pragma once
#include <string>
#include <vector>

#include "base/json.h"
#include "base/random.h"
#include "formats/safetensors_writer.h"
#include "models/model.h"

namespace maru {

/// Writes it into `directory`. `b`: the deviation of what is multiplied last; 0: it changes nothing yet, as at the
/// start of training. `only`: of layers whose names have this in them; "lm_head": of the head.
inline void write_test_adapter(const fs::path& directory, Model& model, uint64_t seed, double b,
                               const std::string& only = "") {
  constexpr int64_t kRank = 3;
  struct Part {
    std::string name;
    std::vector<int64_t> shape;
    double deviation;
  };
  std::vector<Part> parts;
  for (const Parameter* p : model.parameters()) {
    const bool layer = p->role == ParameterRole::kMatrix || p->role == ParameterRole::kOutput;
    if (only == "lm_head" ? p->role != ParameterRole::kHead : !layer || p->name.find(only) == std::string::npos)
      continue;
    const std::string module = "base_model.model." + p->name.substr(0, p->name.rfind('.'));
    parts.push_back({module + ".lora_A.weight", {kRank, p->shape.cols}, 0.3});
    parts.push_back({module + ".lora_B.weight", {p->shape.rows, kRank}, b});
  }
  fs::create_directories(directory);
  write_json(directory / "adapter_config.json", {{"peft_type", "LORA"}, {"r", kRank}, {"lora_alpha", 6}});
  formats::SafetensorsWriter writer(directory / "adapter_model.safetensors");
  for (const Part& part : parts) writer.declare(part.name, "F32", part.shape);
  for (const Part& part : parts) {
    Random random(derive_seed(seed, part.name));
    std::vector<float> values(static_cast<size_t>(part.shape[0] * part.shape[1]));
    for (float& value : values) value = static_cast<float>(part.deviation * random.normal());
    writer.write(std::as_bytes(std::span(values)));
  }
  writer.commit();
}

}  // namespace maru
