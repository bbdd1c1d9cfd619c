// What is known of an architecture, as data: one value for each, in a file of families/. How Hugging Face's config.json
// becomes a DecoderConfig and back, how the tensors of its files are called and laid out, and the same for GGUF.
//
// What a model computes is decided by the features of DecoderConfig alone: nothing outside these values asks for an
// architecture's name.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "models/config.h"
#include "models/gguf_keys.h"
#include "models/weight_names.h"
#include "text/chat/answer/answer_form.h"

namespace maru {

/// A field of DecoderConfig and the key of config.json that holds the same value.
struct FieldKey {
  std::string_view field, key;
};

/// config.json over what transformers assumes for missing keys.
class HuggingFaceConfig {
 public:
  HuggingFaceConfig(const Json& json, std::string_view defaults, std::string where);
  const std::string& where() const { return where_; }
  JsonNode operator[](std::string_view key) const { return JsonNode(json_, where_)[key]; }
  /// Null when the key is missing or null.
  const Json& at(std::string_view key) const { return (*this)[key].json(); }
  bool has(std::string_view key) const { return !at(key).is_null(); }
  /// Throws kInvalidArgument naming the key when the value is of another type.
  template <class T>
  T get(std::string_view key, T otherwise) const {
    if (has(key)) detail::read(otherwise, (*this)[key]);
    return otherwise;
  }
  [[noreturn]] void refuse(const std::string& what) const;

 private:
  Json json_;
  std::string where_;
};

/// Modules of Hugging Face's files and of GGUF's, whose ".weight" and ".bias" correspond, or whole tensors. "*" stands
/// for the number of an expert, by which GGUF stacks them.
struct NamePair {
  std::string_view hugging_face, gguf;
};

inline constexpr NamePair kLlamaOuter[] = {
    {"model.embed_tokens", "token_embd"}, {"model.norm", "output_norm"}, {"lm_head", "output"}};
inline constexpr NamePair kLlamaBlock[] = {
    {"input_layernorm", "attn_norm"},    {"self_attn.q_proj", "attn_q"},
    {"self_attn.k_proj", "attn_k"},      {"self_attn.v_proj", "attn_v"},
    {"self_attn.o_proj", "attn_output"}, {"self_attn.q_norm", "attn_q_norm"},
    {"self_attn.k_norm", "attn_k_norm"}, {"post_attention_layernorm", "ffn_norm"},
    {"mlp.gate_proj", "ffn_gate"},       {"mlp.up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"}};

/// A family in GGUF, where llama.cpp has it. What else follows from the family's other facts: keys that config.json
/// calls otherwise, and tensors that are transposed or interleaved there, which GGUF never has.
/// Source   constants.py and tensor_mapping.py of the gguf Python package; llama.cpp's conversion scripts and its
///          load_arch_hparams for what a file leaves unsaid.
struct GgufMapping {
  std::string_view name = "";                 // general.architecture; empty: llama.cpp does not know the family
  std::string_view layers = "model.layers.";  // before the number of a layer in Hugging Face's names
  std::span<const NamePair> outer = kLlamaOuter, block = kLlamaBlock;
  std::string_view activation = "silu";  // the only one that llama.cpp computes
  bool neighbours = false;               // rows of queries and keys are stored with rotary pairs side by side
  bool rms_norm = true;                  // false: LayerNorm
  bool rotary = true;                    // false: learned positions
  bool windows = false;                  // `write` knows about layers with a window; else they are refused
  bool local_base = false;               // those have a rotary base of their own
  bool longrope = false;                 // the scaling of that name can be written
  bool experts = false;                  // a mixture; another family may have the name without
  double norm_offset = 0;                // what GGUF's norm weights have more than Hugging Face's
  void (*read)(const GgufKeys& from, Json& config) = nullptr;             // what the common keys do not say …
  void (*write)(const DecoderConfig& from, GgufKeyWriter& to) = nullptr;  // … and back; throws kUnimplemented
};

struct Family {
  std::string_view name, model_type;    // Hugging Face's class and type
  std::string_view scorer = "";         // Hugging Face's class with a score in place of the head; empty: has none
  std::string_view families;            // for the docs
  std::string_view defaults = "{}";     // JSON: keys as transformers assumes them when they are missing
  std::string_view fixed = "{}";        // JSON: fields of DecoderConfig that all its models have
  std::string_view required = "{}";     // JSON: keys that must have these values, if they are there
  std::span<const FieldKey> keys = {};  // beside the common ones, or in their place
  void (*read)(const HuggingFaceConfig& from, Json& fields) = nullptr;  // what keys cannot say …
  void (*write)(const DecoderConfig& from, Json& config) = nullptr;     // … and back
  std::span<const WeightRule> weights = {};  // tensors that are not named or stored as in Llama's files
  GgufMapping gguf = {};
  // How its models write calls of tools and reasoning. Which of all forms a model has, its chat template says
  // (answer_forms.h).
  const text::CallForm* calls = nullptr;
  const text::ReasoningForm* reasoning = nullptr;
};

}  // namespace maru
