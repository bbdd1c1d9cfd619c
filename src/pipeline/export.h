// The stage from a model to files for other programs: safetensors or GGUF.
#pragma once
#include "base/fields.h"
#include "formats/convert.h"
#include "infer/gguf_tokenizer.h"
#include "pipeline/workplace.h"

namespace maru::pipeline {

struct ExportConfig {
  std::string model, format = "safetensors", out, dtype;
  bool force = false;
  static constexpr auto fields() {
    using C = ExportConfig;
    return std::tuple{
        field("model", &C::model, "model by name or Hugging Face directory"),
        field("format", &C::format, "a directory, or one file").one_of("safetensors|gguf"),
        field("out", &C::out, "the directory or file to write"),
        field("dtype", &C::dtype, "f32, f16, bf16, for gguf also q8_0, q4_0; empty: as stored, quantized: bf16"),
        field("force", &C::force, "replace what is there")};
  }
};

struct Exported {
  formats::ConvertResult weights;
  infer::TokenizerExport tokenizer;  // of a GGUF file
};

/// Throws   kExists for a place that is taken, kInvalidArgument for an unknown dtype, kUnimplemented for a GGUF file.
Exported export_model(const Workplace&, const ExportConfig&);

}  // namespace maru::pipeline
