// What several families share: parts of a config.json, and of GGUF's names. Included by the files of families/ and by
// registry.cc.
#pragma once
#include "models/family.h"

namespace maru::families {

inline constexpr FieldKey kAttentionBiasKeys[] = {{"attention_bias", "attention_bias"},
                                                  {"attention_output_bias", "attention_bias"}};

// Norms before and behind: Gemma; EXAONE 4 has those behind alone.
inline constexpr NamePair kPeriBlock[] = {{"input_layernorm", "attn_norm"},
                                          {"self_attn.q_proj", "attn_q"},
                                          {"self_attn.k_proj", "attn_k"},
                                          {"self_attn.v_proj", "attn_v"},
                                          {"self_attn.o_proj", "attn_output"},
                                          {"self_attn.q_norm", "attn_q_norm"},
                                          {"self_attn.k_norm", "attn_k_norm"},
                                          {"post_attention_layernorm", "post_attention_norm"},
                                          {"pre_feedforward_layernorm", "ffn_norm"},
                                          {"mlp.gate_proj", "ffn_gate"},
                                          {"mlp.up_proj", "ffn_up"},
                                          {"mlp.down_proj", "ffn_down"},
                                          {"post_feedforward_layernorm", "post_ffw_norm"}};

// --- what several families write in answers ---
extern const text::CallForm kHermesCalls;     // <tool_call>{"name": …, "arguments": {…}}</tool_call>
extern const text::ReasoningForm kThinkTags;  // <think>…</think>

// --- config.json ---
void read_rope(const HuggingFaceConfig& from, Json& fields);
void write_rope(const DecoderConfig& from, Json& config);
/// layer_types with an entry for each layer.
std::vector<std::string> full_layer_types(const DecoderConfig& config);
int64_t num_layers(const HuggingFaceConfig& from);
/// "sliding_attention" but for every `period`-th layer.
std::vector<std::string> periodic_layers(int64_t num_layers, int64_t period);
/// One window for all layers.
void read_window(const HuggingFaceConfig& from, Json& fields);
void write_window(const DecoderConfig& from, Json& config);
/// Layers with a window and without, by `layer_types` or a pattern.
void read_layers(const HuggingFaceConfig& from, Json& fields);
void write_layers(const DecoderConfig& from, Json& config);
/// Heads of the hidden size's width, each with its own keys: what the files of the first GPTs cannot say otherwise.
void forget_heads(Json& config);

// --- GGUF ---
/// Throws kUnimplemented.
[[noreturn]] void cannot_write(const std::string& what);
/// llama.cpp knows which layers have a window by the family alone: throws kUnimplemented for others.
void require_period(const DecoderConfig& config, int64_t period);

}  // namespace maru::families
