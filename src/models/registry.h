// The architectures this build knows: one line each, and all of it data or a pair of small functions.
//
// A line says how Hugging Face's config.json becomes a DecoderConfig and back, and how the tensors of its files are
// called and laid out. What a model computes is decided by the features of DecoderConfig alone: nothing outside this
// table asks for an architecture's name.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "models/config.h"
#include "models/weight_names.h"

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
  /// Null when the key is missing or null.
  const Json& at(std::string_view key) const;
  bool has(std::string_view key) const { return !at(key).is_null(); }
  /// Throws kInvalidArgument naming the key when the value is of another type.
  template <class T>
  T get(std::string_view key, T otherwise) const {
    if (has(key)) detail::read(otherwise, at(key), where_ + ": " + std::string(key), kNoLimits);
    return otherwise;
  }
  [[noreturn]] void refuse(const std::string& what) const;

 private:
  static constexpr detail::Limits kNoLimits{
      -std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity(), {}};
  Json json_;
  std::string where_;
};

struct Architecture {
  std::string_view name, model_type;
  std::string_view families;            // for the docs
  std::string_view defaults = "{}";     // JSON: keys as transformers assumes them when they are missing
  std::string_view fixed = "{}";        // JSON: fields of DecoderConfig that all its models have
  std::string_view required = "{}";     // JSON: keys that must have these values, if they are there
  std::span<const FieldKey> keys = {};  // beside the common ones, or in their place
  void (*read)(const HuggingFaceConfig& from, Json& fields) = nullptr;  // what keys cannot say …
  void (*write)(const DecoderConfig& from, Json& config) = nullptr;     // … and back
  std::span<const WeightRule> weights = {};  // tensors that are not named or stored as in Llama's files
};

std::span<const Architecture> architectures();

/// Throws kUnimplemented naming the architectures there are.
const Architecture& find_architecture(std::string_view name, const std::string& where);
/// The one that the configuration names, or else the first with its features; see config_to_hugging_face.
const Architecture& architecture_of(const DecoderConfig& config);

}  // namespace maru
