#include "models/gguf_rope.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace maru {
namespace {

constexpr std::array<std::string_view, 14> kKnown{"dimension_count",
                                                  "freq_base",
                                                  "freq_base_swa",
                                                  "scale_linear",
                                                  "scaling.type",
                                                  "scaling.factor",
                                                  "scaling.attn_factor",
                                                  "scaling.original_context_length",
                                                  "scaling.finetuned",
                                                  "scaling.yarn_ext_factor",
                                                  "scaling.yarn_attn_factor",
                                                  "scaling.yarn_beta_fast",
                                                  "scaling.yarn_beta_slow",
                                                  "scaling.yarn_log_multiplier"};

/// The scaling of one file.
class RopeReader {
 public:
  RopeReader(const GgufKeys& keys, Json& config) : keys_(keys), config_(config) {
    type_ = keys.text("rope.scaling.type");
    if (type_.empty()) type_ = "linear";
    factor_ = positive("rope.scaling.factor", positive("rope.scale_linear", 1));
    if (type_ == "none") factor_ = 1;
    attention_ = positive("rope.scaling.attn_factor", 1);
  }

  void read(const Family& family) {
    refuse_unknown();
    const double base = number("rope.freq_base", 10000);
    if (!family.gguf.local_base && number("rope.freq_base_swa", base) != base)
      refuse("rope.freq_base_swa", "this architecture has one base for all layers");
    constexpr std::array<std::string_view, 4> kTypes{"none", "linear", "yarn", "longrope"};
    if (std::find(kTypes.begin(), kTypes.end(), type_) == kTypes.end())
      refuse("rope.scaling.type", "\"" + type_ + "\" cannot be read");
    if (!family.gguf.rotary) return refuse_scaling();  // learned positions
    read_dimensions(family);
    if (type_ == "yarn") return read_yarn();
    refuse_yarn();
    if (type_ == "longrope" || keys_.file().tensor("rope_factors_long.weight") != nullptr) return read_longrope();
    if (attention_ != 1) refuse("rope.scaling.attn_factor", "cannot be read with the scaling \"" + type_ + "\"");
    if (keys_.file().tensor("rope_freqs.weight") != nullptr) return read_frequencies();
    if (factor_ != 1) config_["rope_scaling"] = {{"rope_type", "linear"}, {"factor", factor_}};
  }

 private:
  [[noreturn]] void refuse(const std::string& key, const std::string& what) const {
    throw Failure(ErrorCode::kUnimplemented, keys_.file().name() + ": " + key + ": " + what);
  }
  /// llama.cpp reads 0 as not given.
  double positive(const char* key, double otherwise) const {
    const double value = keys_.number(key, 0);
    if (value < 0 || !std::isfinite(value))
      throw Failure(ErrorCode::kDataLoss,
                    fmt::format("{}: {}: expected a positive number, got {}", keys_.file().name(), key, value));
    return value == 0 ? otherwise : value;
  }
  double number(const char* key, double otherwise) const { return keys_.number(key, otherwise); }

  void refuse_unknown() const {
    const std::string prefix = keys_.prefix() + "rope.";
    const auto& all = keys_.file().metadata();
    for (auto it = all.lower_bound(prefix); it != all.end() && it->first.starts_with(prefix); ++it)
      if (std::find(kKnown.begin(), kKnown.end(), std::string_view(it->first).substr(prefix.size())) == kKnown.end())
        refuse(it->first, "is not supported");
  }

  void refuse_scaling() const {
    if (factor_ != 1 || type_ == "yarn" || type_ == "longrope")
      refuse("rope.scaling", "this architecture has no rotary positions to scale");
  }
  void refuse_yarn() const {
    for (const char* key : {"rope.scaling.yarn_ext_factor", "rope.scaling.yarn_log_multiplier"})
      if (number(key, 0) > 0) refuse(key, "cannot be read with the scaling \"" + type_ + "\"");
    if (number("rope.scaling.yarn_attn_factor", 1) != 1)
      refuse("rope.scaling.yarn_attn_factor", "expected 1 with the scaling \"" + type_ + "\"");
  }

  /// The part of a head that is rotated.
  void read_dimensions(const Family& family) {
    const auto head = config_["head_dim"].get<int64_t>();
    const int64_t rotated = keys_.integer("rope.dimension_count", head);
    if (rotated == head) return;
    if (rotated < 2 || rotated > head || rotated % 2 != 0)
      throw Failure(ErrorCode::kDataLoss, fmt::format("{}: rope.dimension_count: expected an even number up to the "
                                                      "head's {}, got {}",
                                                      keys_.file().name(), head, rotated));
    if (family.gguf.neighbours) refuse("rope.dimension_count", fmt::format("expected the whole head, {}", head));
    config_["partial_rotary_factor"] = static_cast<double>(rotated) / static_cast<double>(head);
  }

  int64_t original() const {
    const auto context = config_["max_position_embeddings"].get<int64_t>();
    const int64_t given = keys_.integer("rope.scaling.original_context_length", 0);
    return given > 0 ? given : context;
  }

  /// ggml's magnitude is transformers' times attn_factor; mscale_all_dim is the multiplier.
  void read_yarn() {
    if (keys_.file().tensor("rope_freqs.weight") != nullptr)
      refuse("rope.scaling.type", "\"yarn\" together with rope_freqs.weight cannot be read");
    if (const double ext = number("rope.scaling.yarn_ext_factor", 1); ext >= 0 && ext != 1)
      refuse("rope.scaling.yarn_ext_factor", fmt::format("expected 1, got {}", ext));
    if (number("rope.scaling.yarn_attn_factor", 1) != 1) refuse("rope.scaling.yarn_attn_factor", "expected 1");
    const auto magnitude = [&](double scale) { return factor_ <= 1 ? 1 : 0.1 * scale * std::log(factor_) + 1; };
    const double all = number("rope.scaling.yarn_log_multiplier", 0);
    Json yarn{{"rope_type", "yarn"},
              {"factor", factor_},
              {"original_max_position_embeddings", original()},
              {"beta_fast", positive("rope.scaling.yarn_beta_fast", 32)},
              {"beta_slow", positive("rope.scaling.yarn_beta_slow", 1)}};
    if (attention_ != 1 || all != 0)
      yarn["attention_factor"] = attention_ * magnitude(1) / (all != 0 ? magnitude(all) : 1);
    config_["rope_scaling"] = yarn;
  }

  std::vector<double> factors(const char* name) const {
    const formats::GgufTensor* tensor = keys_.file().tensor(name);
    if (tensor == nullptr) refuse("rope.scaling.type", fmt::format("\"longrope\" without the tensor {}", name));
    return scaled(rope_factors_in(*tensor, keys_.file().name() + ": tensor " + name));
  }
  std::vector<double> scaled(std::vector<double> factors) const {
    for (double& f : factors) f *= factor_;
    return factors;
  }
  void read_longrope() {
    config_["rope_scaling"] = {{"rope_type", "longrope"},
                               {"short_factor", factors("rope_factors_short.weight")},
                               {"long_factor", factors("rope_factors_long.weight")},
                               {"original_max_position_embeddings", original()},
                               {"attention_factor", attention_}};
  }

  // rope_freqs.weight comes from scalings whose parameters the file does not keep (Llama 3's): what was a rule is only
  // numbers there, and becomes the scaling that has one number for each pair.
  void read_frequencies() {
    const std::vector<double> all = scaled(
        rope_factors_in(*keys_.file().tensor("rope_freqs.weight"), keys_.file().name() + ": tensor rope_freqs.weight"));
    config_["rope_scaling"] = {{"rope_type", "longrope"},
                               {"factor", 1},
                               {"original_max_position_embeddings", config_["max_position_embeddings"]},
                               {"short_factor", all},
                               {"long_factor", all}};
  }

  const GgufKeys& keys_;
  Json& config_;
  std::string type_;
  double factor_, attention_;
};

}  // namespace

void read_rope(const GgufKeys& keys, const Family& family, Json& config) { RopeReader(keys, config).read(family); }

}  // namespace maru
