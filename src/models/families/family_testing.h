// Small configurations of any family, for tests.
#pragma once
#include <unistd.h>

#include <functional>
#include <string>

#include "formats/gguf_writer.h"
#include "models/gguf_model.h"
#include "models/registry.h"

namespace maru {

inline Json llama() {
  return {{"architectures", {"LlamaForCausalLM"}},
          {"vocab_size", 8},
          {"hidden_size", 16},
          {"intermediate_size", 24},
          {"num_hidden_layers", 4},
          {"num_attention_heads", 4}};
}

inline Json named(const char* architecture, const Json& changes) {
  Json json = llama();
  json["architectures"] = {architecture};
  json.update(changes);
  return json;
}

inline DecoderConfig read(const char* architecture, const Json& changes) {
  return config_from_hugging_face(named(architecture, changes), "config.json");
}

inline std::string error_of(const std::function<void()>& f) {
  try {
    f();
    return "no error";
  } catch (const Failure& e) {
    return e.error().message;
  }
}

/// What a GGUF file of a model with heads of 8 becomes as a config.json; `more` puts in keys of the architecture.
inline Json config_of_gguf(const std::string& architecture, const std::function<void(GgufKeyWriter&)>& more,
                           int64_t layers = 1) {
  const fs::path path = fs::temp_directory_path() / ("maru_family_" + std::to_string(::getpid()) + ".gguf");
  formats::GgufWriter writer(path);
  writer.set("general.architecture", architecture);
  GgufKeyWriter keys(writer, architecture + ".");
  for (const char* key : {"embedding_length", "feed_forward_length"}) keys.integer(key, 16);
  keys.integer("attention.head_count", 2);
  keys.integer("block_count", layers);
  keys.integer("context_length", 64);
  more(keys);
  const std::vector<float> table(4 * 16);
  writer.declare("token_embd.weight", formats::GgmlType::kF32, {4, 16});
  writer.write(std::as_bytes(std::span(table)));
  writer.commit();
  const formats::GgufFile file = formats::GgufFile::open(path).value();
  fs::remove(path);
  return hugging_face_config(file);
}

}  // namespace maru
