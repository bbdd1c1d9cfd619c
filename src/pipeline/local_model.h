// A model loaded for this process: what chat, generation and evaluation need.
#pragma once
#include <functional>
#include <string>

#include "infer/engine.h"
#include "infer/generate.h"
#include "infer/loaded_model.h"
#include "pipeline/workplace.h"

namespace maru::pipeline {

struct Sampling {
  double temperature = 0.8, top_p = 0.95;
  int64_t top_k = 0, max_tokens = 256, seed = -1;
  std::vector<std::string> stop;
  bool continues_prompt = true;  // the answer goes on with the prompt's text
};

class LocalModel {
 public:
  /// `adapter`: a PEFT adapter's directory, or empty.
  LocalModel(const Workplace&, const std::string& name, const fs::path& adapter = {});
  const text::Tokenizer& tokenizer() const { return loaded_.tokenizer(); }
  /// Throws kInvalidArgument for a model that was not made to chat.
  const text::ChatTemplate& chat_template() const;
  /// Streams one answer. `on_text` gets whole characters. A cancelled watch ends the answer, and nothing else.
  infer::GenerationResult generate(std::vector<int32_t> prompt, const Sampling& sampling,
                                   const std::function<void(std::string_view)>& on_text = {});

 private:
  Watch watch_;
  infer::LoadedModel loaded_;
  infer::Engine engine_;
};

}  // namespace maru::pipeline
