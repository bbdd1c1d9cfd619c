// What the registry's lines need beyond data: one pair of functions for each irregular part of a config.json.
// Included by registry.cc and the family files only.
#pragma once
#include "models/registry.h"

namespace maru::families {

// Shared by several families (families.cc).
void read_rope(const HuggingFaceConfig& from, Json& fields);
void write_rope(const DecoderConfig& from, Json& config);
/// layer_types with an entry for each layer.
std::vector<std::string> full_layer_types(const DecoderConfig& config);
int64_t num_layers(const HuggingFaceConfig& from);
/// "sliding_attention" but for every `period`-th layer.
std::vector<std::string> periodic_layers(int64_t num_layers, int64_t period);

void read_window(const HuggingFaceConfig& from, Json& fields);
void write_window(const DecoderConfig& from, Json& config);
void read_qwen(const HuggingFaceConfig& from, Json& fields);
void write_qwen(const DecoderConfig& from, Json& config);
void read_exaone4(const HuggingFaceConfig& from, Json& fields);
void write_exaone4(const DecoderConfig& from, Json& config);
void read_gemma2(const HuggingFaceConfig& from, Json& fields);
void write_gemma2(const DecoderConfig& from, Json& config);
void read_gemma3(const HuggingFaceConfig& from, Json& fields);
void write_gemma3(const DecoderConfig& from, Json& config);
void read_phi3(const HuggingFaceConfig& from, Json& fields);
void write_phi3(const DecoderConfig& from, Json& config);
void read_gpt2(const HuggingFaceConfig& from, Json& fields);
void write_gpt2(const DecoderConfig& from, Json& config);
void read_gpt_neox(const HuggingFaceConfig& from, Json& fields);
void write_gpt_neox(const DecoderConfig& from, Json& config);
void read_mixtral(const HuggingFaceConfig& from, Json& fields);
void write_mixtral(const DecoderConfig& from, Json& config);
void read_qwen3_moe(const HuggingFaceConfig& from, Json& fields);
void write_qwen3_moe(const DecoderConfig& from, Json& config);
void read_granite(const HuggingFaceConfig& from, Json& fields);
void write_granite(const DecoderConfig& from, Json& config);

}  // namespace maru::families
