// What `quantization_config` of a config.json says.
#include <fmt/format.h>

#include "base/json_node.h"
#include "formats/integer_weight.h"

namespace maru::formats {
namespace {

int64_t integer_of(const JsonNode& node, int64_t otherwise) {
  return node.integer(otherwise, {.low = -1, .high = 1 << 24});
}

int64_t group_size_of(const JsonNode& json) { return std::max<int64_t>(0, integer_of(json["group_size"], 0)); }

std::array<int64_t, 2> block_of(const JsonNode& node) {
  if (node.is_null()) return {0, 0};
  if (node.size() != 2) node.fail("two numbers");
  constexpr JsonRange kSizes{.low = 0};
  return {node.at(0).integer(kSizes), node.at(1).integer(kSizes)};
}

// All groups of layers must be stored alike; which layers are quantized at all shows in the tensors.
QuantizationConfig compressed_tensors(const JsonNode& json) {
  const std::string format = json["format"].string("");
  QuantizationConfig config{.name = "compressed-tensors " + format};
  if (format == "pack-quantized")
    config.method = QuantizationMethod::kPacked;
  else if (format != "int-quantized" && format != "float-quantized" && format != "naive-quantized")
    json.unsupported("compressed-tensors format \"" + format + "\"");
  const std::vector<NamedNode> groups = json["config_groups"].members();
  if (groups.empty()) json["config_groups"].fail("an object of groups of layers");
  bool first = true;
  for (const auto& [name, group] : groups) {
    const JsonNode weights = group["weights"];
    if (weights.is_null()) continue;
    const int64_t bits = integer_of(weights["num_bits"], 8), size = group_size_of(weights);
    const std::array<int64_t, 2> block = block_of(weights["block_structure"]);
    if (!first && (bits != config.bits || size != config.group_size || block != config.block))
      json.unsupported("groups of layers that are stored differently");
    config.bits = bits, config.group_size = size, config.block = block, first = false;
  }
  if (config.bits < 1 || config.bits > 8) json.unsupported(fmt::format("{} bits", config.bits));
  return config;
}

}  // namespace

std::optional<QuantizationConfig> quantization_config(const Json& config, const std::string& where) {
  const JsonNode json = JsonNode(config, where)["quantization_config"];
  if (!json.is_object()) return std::nullopt;
  const std::string method = json["quant_method"].string("");
  QuantizationConfig result{.name = method};
  result.bits = integer_of(json["bits"], 4);
  result.group_size = group_size_of(json);
  if (method == "compressed-tensors") return compressed_tensors(json);
  if (method == "gptq") {
    result.method = QuantizationMethod::kGptq;
    result.act_order = json["desc_act"].boolean(false);
    result.zero_is_stored_minus_one = json["checkpoint_format"].string("") != "gptq_v2";
  } else if (method == "awq") {
    result.method = QuantizationMethod::kAwq;
    if (const std::string version = json["version"].string("gemm"); version != "gemm" && version != "GEMM")
      json.unsupported("AWQ version \"" + version + "\"");
  } else if (method == "maru") {
    result.method = QuantizationMethod::kPanels;
    if (const int64_t version = integer_of(json["version"], 0); version != 1)
      json.unsupported(fmt::format("version {} of \"maru\"", version));
    if (result.group_size != 32) json.unsupported(fmt::format("group_size {} of \"maru\"", result.group_size));
    if (result.bits != 4 && result.bits != 8) json.unsupported(fmt::format("{} bits of \"maru\"", result.bits));
  } else if (method == "fp8") {
    result.bits = 8;
    result.block = block_of(json["weight_block_size"]);
  } else {
    json.unsupported("quant_method \"" + method + "\"");
  }
  return result;
}

}  // namespace maru::formats
