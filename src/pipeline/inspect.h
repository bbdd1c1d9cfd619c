// What can be said about a model on disk without loading it: a Hugging Face directory, a safetensors or GGUF file, or
// one of Maru's own. Reads headers, configuration and vocabulary; never weights.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json_fwd.h"

namespace maru::pipeline {

struct DtypeCount {
  int64_t tensors = 0, elements = 0;
  uint64_t bytes = 0;
};

struct Licence {
  std::string name, file, text;  // empty where nothing was found
};

/// The sizes that memory follows from; 0 where they are not known.
struct ModelShape {
  int64_t layers = 0, key_value_heads = 0, head_dim = 0, context_length = 0, vocab_size = 0;
};

struct MemoryAt {
  int64_t context = 0;
  uint64_t bytes = 0;  // of keys and values of one sequence
};

struct Inspection {
  std::string path, kind, architecture, quantization, tokenizer;
  std::map<std::string, DtypeCount> dtypes;
  int64_t parameters = 0;
  uint64_t weight_bytes = 0, loaded_bytes = 0;  // in the files; in memory
  ModelShape shape;
  int64_t tokens = 0;  // in the tokenizer
  bool chat_template = false;
  Licence licence;
  std::vector<MemoryAt> memory;
  std::vector<std::string> foreign;  // origins, for Maru's own models
  std::string obstacle;              // why this build cannot run it; empty: it can
};

/// Throws   kNotFound, kDataLoss or kUnimplemented when not even the headers can be read.
Inspection inspect_model(const fs::path& path);
Json to_json(const Inspection& inspection);

/// From a README's front matter, or a licence file.
Licence find_licence(const fs::path& directory);

}  // namespace maru::pipeline
