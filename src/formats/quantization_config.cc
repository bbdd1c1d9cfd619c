// What `quantization_config` of a config.json says.
#include <fmt/format.h>

#include "base/json.h"
#include "formats/integer_weight.h"

namespace maru::formats {
namespace {

[[noreturn]] void unsupported(const std::string& where, const std::string& what) {
  throw Failure(ErrorCode::kUnimplemented, where + ": quantization_config: " + what + " is not supported");
}

int64_t integer_of(const Json& json, const char* key, int64_t otherwise, const std::string& where) {
  const auto it = json.find(key);
  if (it == json.end() || it->is_null()) return otherwise;
  if (!it->is_number_integer() || it->get<int64_t>() < -1 || it->get<int64_t>() > (1 << 24))
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("{}: quantization_config: {}: expected a number, got {}", where, key, it->dump()));
  return it->get<int64_t>();
}

std::string text_of(const Json& json, const char* key) {
  const auto it = json.find(key);
  return it != json.end() && it->is_string() ? it->get<std::string>() : "";
}

std::array<int64_t, 2> block_of(const Json& json, const char* key, const std::string& where) {
  const auto it = json.find(key);
  if (it == json.end() || it->is_null()) return {0, 0};
  if (!it->is_array() || it->size() != 2 || !(*it)[0].is_number_unsigned() || !(*it)[1].is_number_unsigned())
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("{}: quantization_config: {}: expected two numbers, got {}", where, key, it->dump()));
  return {(*it)[0].get<int64_t>(), (*it)[1].get<int64_t>()};
}

// All groups of layers must be stored alike; which layers are quantized at all shows in the tensors.
QuantizationConfig compressed_tensors(const Json& json, const std::string& where) {
  const std::string format = text_of(json, "format");
  QuantizationConfig config{.name = "compressed-tensors " + format};
  if (format == "pack-quantized")
    config.method = QuantizationMethod::kPacked;
  else if (format != "int-quantized" && format != "float-quantized" && format != "naive-quantized")
    unsupported(where, "compressed-tensors format \"" + format + "\"");
  const auto groups = json.find("config_groups");
  if (groups == json.end() || !groups->is_object() || groups->empty())
    throw Failure(ErrorCode::kInvalidArgument, where + ": quantization_config: config_groups: expected an object");
  bool first = true;
  for (const Json& group : *groups) {
    const Json weights = group.is_object() ? group.value("weights", Json()) : Json();
    if (!weights.is_object()) continue;
    const int64_t bits = integer_of(weights, "num_bits", 8, where);
    const int64_t size = std::max<int64_t>(0, integer_of(weights, "group_size", 0, where));
    const std::array<int64_t, 2> block = block_of(weights, "block_structure", where);
    if (!first && (bits != config.bits || size != config.group_size || block != config.block))
      unsupported(where, "groups of layers that are stored differently");
    config.bits = bits, config.group_size = size, config.block = block, first = false;
  }
  if (config.bits < 1 || config.bits > 8) unsupported(where, fmt::format("{} bits", config.bits));
  return config;
}

}  // namespace

std::optional<QuantizationConfig> quantization_config(const Json& config, const std::string& where) {
  const auto it = config.find("quantization_config");
  if (it == config.end() || !it->is_object()) return std::nullopt;
  const std::string method = text_of(*it, "quant_method");
  QuantizationConfig result{.name = method};
  result.bits = integer_of(*it, "bits", 4, where);
  result.group_size = std::max<int64_t>(0, integer_of(*it, "group_size", 0, where));
  if (method == "compressed-tensors") return compressed_tensors(*it, where);
  if (method == "gptq") {
    result.method = QuantizationMethod::kGptq;
    result.act_order = it->contains("desc_act") && (*it)["desc_act"] == Json(true);
    result.zero_is_stored_minus_one = text_of(*it, "checkpoint_format") != "gptq_v2";
  } else if (method == "awq") {
    result.method = QuantizationMethod::kAwq;
    if (const std::string version = text_of(*it, "version"); !version.empty() && version != "gemm" && version != "GEMM")
      unsupported(where, "AWQ version \"" + version + "\"");
  } else if (method == "maru") {
    result.method = QuantizationMethod::kPanels;
    if (const int64_t version = integer_of(*it, "version", 0, where); version != 1)
      unsupported(where, fmt::format("version {} of \"maru\"", version));
    if (result.group_size != 32) unsupported(where, fmt::format("group_size {} of \"maru\"", result.group_size));
    if (result.bits != 4 && result.bits != 8) unsupported(where, fmt::format("{} bits of \"maru\"", result.bits));
  } else if (method == "fp8") {
    result.bits = 8;
    result.block = block_of(*it, "weight_block_size", where);
  } else {
    unsupported(where, "quant_method \"" + method + "\"");
  }
  return result;
}

}  // namespace maru::formats
