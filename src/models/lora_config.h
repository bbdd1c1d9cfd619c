// What of a model an adapter changes, and how much room it has for it.
#pragma once
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "base/fields.h"

namespace maru {

/// PEFT's LoraConfig, with all-linear for a default.
struct LoraConfig {
  int64_t rank = 8;
  double alpha = 16;
  bool use_rslora = false;
  std::optional<bool> use_dora;
  std::vector<std::string> target_modules = {"all-linear"};
  std::vector<std::string> modules_to_save;

  /// What b · a of this rank is multiplied with: alpha / rank, with rsLoRA alpha / √rank.
  double scale() const {
    const auto r = static_cast<double>(rank);
    return alpha / (use_rslora ? std::sqrt(r) : r);
  }
  static constexpr auto fields() {
    using C = LoraConfig;
    return std::tuple{
        field("rank", &C::rank, "of what is added to each matrix").range(1, 4096),
        field("alpha", &C::alpha, "scales what is added: alpha / rank").range(0, 1e6),
        field("use_rslora", &C::use_rslora, "alpha / sqrt(rank) instead"),
        field("use_dora", &C::use_dora, "train the lengths of the rows apart from their directions; null: false")
            .unless_empty(),
        field("target_modules", &C::target_modules,
              "names of modules such as q_proj, or all-linear: every matrix inside the blocks"),
        field("modules_to_save", &C::modules_to_save,
              "trained whole, beside the adapter: embed_tokens, lm_head or both")
            .unless_empty()};
  }
};

}  // namespace maru
