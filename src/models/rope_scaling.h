// Rotary frequencies beyond the plain ones: how open models stretch their context.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/fields.h"

namespace maru {

/// Field names are those of Hugging Face's `rope_scaling`. Zero means "not given" wherever zero makes no sense.
struct RopeScaling {
  std::string rope_type = "default";
  double factor = 1;                             // by how much the context is stretched
  int64_t original_max_position_embeddings = 0;  // the context before it was
  double low_freq_factor = 1, high_freq_factor = 4;
  double beta_fast = 32, beta_slow = 1, attention_factor = 0, mscale = 0, mscale_all_dim = 0;
  bool truncate = true;
  std::vector<double> short_factor, long_factor;

  static constexpr auto fields() {
    using C = RopeScaling;
    return std::tuple{
        field("rope_type", &C::rope_type, "how the frequencies are scaled")
            .one_of("default|linear|dynamic|yarn|llama3|longrope"),
        field("factor", &C::factor, "by how much the context is stretched").range(1e-3, 1e6),
        field("original_max_position_embeddings", &C::original_max_position_embeddings,
              "the context before it was stretched; 0: max_position_embeddings")
            .range(0, 1 << 24),
        field("low_freq_factor", &C::low_freq_factor, "llama3: longer waves than original / this are stretched")
            .range(1e-3, 1e6),
        field("high_freq_factor", &C::high_freq_factor, "llama3: shorter waves than original / this stay")
            .range(1e-3, 1e6),
        field("beta_fast", &C::beta_fast, "yarn: pairs with more turns than this in the original context stay")
            .range(1e-3, 1e6),
        field("beta_slow", &C::beta_slow, "yarn: pairs with fewer turns than this are stretched").range(1e-3, 1e6),
        field("attention_factor", &C::attention_factor, "yarn, longrope: multiplies both tables; 0: from factor")
            .range(0, 1e3),
        field("mscale", &C::mscale, "yarn: for the attention factor; 0: not used").range(0, 1e3),
        field("mscale_all_dim", &C::mscale_all_dim, "yarn: for the attention factor; 0: not used").range(0, 1e3),
        field("truncate", &C::truncate, "yarn: round the bounds of the ramp to whole pairs"),
        field("short_factor", &C::short_factor, "longrope: of each pair, in contexts up to the original")
            .range(1e-6, 1e9),
        field("long_factor", &C::long_factor, "longrope: of each pair, in longer ones").range(1e-6, 1e9)};
  }
};

struct RopeFrequencies {
  std::vector<double> frequencies;  // radians per position of each pair
  double magnitude = 1;             // multiplies cos and sin
};

/// Frequencies of `rotary_dim / 2` pairs for contexts of up to `context` tokens.
///
/// "dynamic" and "longrope" depend on the length of the text in their papers. Here they depend on `context` alone, so
/// that a row's bits depend on neither chunking nor what comes later: dynamic scales by context / original, longrope
/// takes its long factors when context > original.
///
/// Throws   kInvalidArgument when short_factor or long_factor have not one number per pair.
/// Source   linear: Chen et al. 2023, arXiv:2306.15595; dynamic: bloc97, emozilla 2023 (as in transformers);
///          yarn: Peng et al. 2023, arXiv:2309.00071, §3; llama3: Dubey et al. 2024, arXiv:2407.21783;
///          longrope: Ding et al. 2024, arXiv:2402.13753.
RopeFrequencies rope_frequencies(const RopeScaling& scaling, double theta, int64_t rotary_dim, int64_t context);

}  // namespace maru
