// The stage from a model to one with weights of 8 or 4 bits, and what that costs in bits per byte.
#pragma once
#include <optional>

#include "base/fields.h"
#include "pipeline/workplace.h"

namespace maru::pipeline {

struct QuantizeConfig {
  std::string model, to = "int4", out, calibrate, text;
  int64_t calibrate_tokens = 65536, text_tokens = 65536;
  bool force = false;
  static constexpr auto fields() {
    using C = QuantizeConfig;
    return std::tuple{
        field("model", &C::model, "model by name or Hugging Face directory"),
        field("to", &C::to, "what matrices become; tables are int8 in both").one_of("int4|int8"),
        field("out", &C::out, "name of the new model, or a path with a '/'"),
        field("calibrate", &C::calibrate, "text, or dataset by name, to round for (GPTQ); empty: round to nearest"),
        field("text", &C::text, "text, or dataset by name, to measure on; empty: what the model held out"),
        field("calibrate_tokens", &C::calibrate_tokens, "of it are used at most").range(1, 1 << 24),
        field("text_tokens", &C::text_tokens, "of it are scored, whole documents; 0: all").range(0, 1e12),
        field("force", &C::force, "replace what is there")};
  }
};

/// What the rounding costs on a text; nothing where the figure is unknown.
struct QuantizeCost {
  std::optional<double> before, after;  // bits per byte
  std::string text;
  int64_t tokens = 0;
};

struct QuantizeResult {
  fs::path path;
  std::string to;
  int64_t bytes_before = 0, bytes = 0;
  std::optional<QuantizeCost> cost;  // nothing: there was no text to measure on
};

/// Throws   kExists for a place that is taken; kUnimplemented for a GGUF file; kInvalidArgument for a model that is
///          quantized already and a text that is too short to calibrate with.
QuantizeResult quantize(const Workplace&, const QuantizeConfig&);

}  // namespace maru::pipeline
