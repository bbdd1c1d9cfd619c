// One answer, waited for: what `maru chat` and `maru generate` do with an engine.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "infer/engine.h"

namespace maru::infer {

struct GenerationResult {
  std::string text;
  FinishReason finish = FinishReason::kLength;
  int64_t num_tokens = 0;
  bool cancelled = false;  // by on_text
};

/// Runs one request with one choice to its end. `on_text` gets the text as it comes; false cancels the rest.
///
/// Throws   what Engine::submit throws, and the request's own failure.
GenerationResult generate(Engine& engine, GenerationRequest request,
                          const std::function<bool(std::string_view)>& on_text = {});

}  // namespace maru::infer
