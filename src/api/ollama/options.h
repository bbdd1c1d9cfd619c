// The "options" of Ollama's requests: how the next token is chosen, and how long an answer gets.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/fields.h"
#include "infer/generation.h"
#include "serving/fit.h"

namespace maru::api::ollama {

/// Where a request says nothing, Ollama's values, but for the repetition penalty, which is none.
struct Options {
  double temperature = 0.8, top_p = 0.9, min_p = 0;
  int64_t top_k = 40;
  double repeat_penalty = 1, presence_penalty = 0, frequency_penalty = 0;
  std::optional<int64_t> seed, num_predict, num_ctx, repeat_last_n;
  Json stop;
  double typical_p = 1, tfs_z = 1;
  int64_t mirostat = 0;
  Json mirostat_tau, mirostat_eta, penalize_newline;
  Json num_keep, num_batch, num_gpu, main_gpu, num_thread, numa, use_mmap, use_mlock, low_vram, f16_kv;

  static constexpr auto fields() {
    using C = Options;
    constexpr const char* kIgnored = "accepted and ignored: of how it is computed";
    return std::tuple{
        field("temperature", &C::temperature, "0: always the likeliest token").range(0, 100),
        field("top_p", &C::top_p, "sample from the likeliest tokens with this much probability together").range(0, 1),
        field("min_p", &C::min_p, "drop tokens less likely than this times the likeliest").range(0, 1),
        field("top_k", &C::top_k, "sample from this many likeliest tokens; 0 or -1: all").range(-1, 1 << 30),
        field("repeat_penalty", &C::repeat_penalty, "divides the logits of tokens already seen").range(0.01, 100),
        field("presence_penalty", &C::presence_penalty, "subtracted from tokens already in the answer").range(-2, 2),
        field("frequency_penalty", &C::frequency_penalty, "subtracted for each time a token is in the answer")
            .range(-2, 2),
        field("seed", &C::seed, "the same seed gives the same answer; -1: another each time"),
        field("num_predict", &C::num_predict, "the answer's greatest length in tokens; 0 or less: as long as fits")
            .range(-2, 1 << 30),
        field("num_ctx", &C::num_ctx, "tokens of prompt and answer together, as far as the model takes them")
            .range(1, 1 << 30),
        field("repeat_last_n", &C::repeat_last_n, "beside a penalty -1 (all tokens) or 0 (no penalty)")
            .range(-1, 1 << 30),
        field("stop", &C::stop, "a string, or up to 16, before which the answer ends"),
        field("typical_p", &C::typical_p, "1: not used").range(1, 1),
        field("tfs_z", &C::tfs_z, "1: not used").range(1, 1),
        field("mirostat", &C::mirostat, "0: not used").range(0, 0),
        field("mirostat_tau", &C::mirostat_tau, "of mirostat, which is not used"),
        field("mirostat_eta", &C::mirostat_eta, "of mirostat, which is not used"),
        field("penalize_newline", &C::penalize_newline, "true: as any other token"),
        field("num_keep", &C::num_keep, "accepted and ignored: nothing of a prompt is ever dropped"),
        field("num_batch", &C::num_batch, kIgnored),
        field("num_gpu", &C::num_gpu, kIgnored),
        field("main_gpu", &C::main_gpu, kIgnored),
        field("num_thread", &C::num_thread, kIgnored),
        field("numa", &C::numa, kIgnored),
        field("use_mmap", &C::use_mmap, kIgnored),
        field("use_mlock", &C::use_mlock, kIgnored),
        field("low_vram", &C::low_vram, kIgnored),
        field("f16_kv", &C::f16_kv, kIgnored)};
  }
};

/// From the value of "options"; null: nothing is asked.
///
/// Throws   RequestFailure naming "options.FIELD".
Options read_options(const Json& options);

/// Sampling, seed and stop strings.
void apply(const Options& options, infer::GenerationRequest& to);
/// Of these limits, what "num_ctx" leaves; a model that takes less is said in `warnings`.
serving::RequestLimits within(const Options& options, serving::RequestLimits limits,
                              std::vector<std::string>& warnings);
/// The answer's greatest length; none: what fits.
std::optional<int64_t> wanted_tokens(const Options& options);

}  // namespace maru::api::ollama
