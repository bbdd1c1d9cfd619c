// How a GGUF file stretches rotary positions, as the `rope_scaling` of a config.json. Internal to gguf_model.cc.
#pragma once
#include "base/json.h"
#include "models/family.h"

namespace maru {

/// Completes `config` by every key below `rope.`: what it cannot say is refused, never left out.
///
/// Meanings are llama.cpp's: a factor without a type is linear, `rope.scale_linear` is the old name of the factor,
/// "none" switches both off, rope_freqs.weight divides what the factor has divided, and the tensors
/// rope_factors_*.weight are LongRoPE's whatever the type says (Phi-3's files name none).
///
/// Throws   kUnimplemented naming the key; kDataLoss for values of the wrong type or without sense.
/// Source   llama.cpp: llama_model::load_hparams, the constructor of llama_context, ggml_rope_yarn.
void read_rope(const GgufKeys& keys, const Family& family, Json& config);

}  // namespace maru
