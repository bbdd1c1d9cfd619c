// evaluation.json of a model: how well it predicts held-out text, classifies, and goes on with prompts.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/fields.h"

namespace maru::eval {

struct BitsPerByte {
  std::optional<double> value;
  uint64_t bytes = 0;
  int64_t tokens = 0;
  std::optional<double> perplexity;
  int64_t overlap = 0;
  std::map<std::string, double> baselines;
  static constexpr auto fields() {
    using C = BitsPerByte;
    return std::tuple{field("value", &C::value, "null: no text was held out"),
                      field("bytes", &C::bytes, "of the text"),
                      field("tokens", &C::tokens, "of the text"),
                      field("perplexity", &C::perplexity, "of a token; null: no text was held out"),
                      field("overlap", &C::overlap, "tokens of context that windows of long documents share"),
                      field("baselines", &C::baselines, "bits per byte of compressors that read the training text")};
  }
};

struct TaskScore {
  std::string name, metric = "accuracy";
  double value = 0, low = 0, high = 0;
  int64_t samples = 0;
  double chance = 0;
  static constexpr auto fields() {
    using C = TaskScore;
    return std::tuple{field("name", &C::name, "of the task"),
                      field("metric", &C::metric, "what the value is"),
                      field("value", &C::value, "share of right answers"),
                      field("low", &C::low, "the interval that holds it with 95 %"),
                      field("high", &C::high, "its other end"),
                      field("samples", &C::samples, "answers that were looked at"),
                      field("chance", &C::chance, "what always giving one answer reaches")};
  }
};

struct TextSample {
  std::string prompt, completion;
  static constexpr auto fields() {
    using C = TextSample;
    return std::tuple{field("prompt", &C::prompt, "what the model was given"),
                      field("completion", &C::completion, "how it went on, always with the likeliest token")};
  }
};

struct Figures {
  std::map<std::string, BitsPerByte> bits_per_byte;
  std::vector<TaskScore> tasks;
  std::vector<TextSample> samples;
  static constexpr auto fields() {
    using C = Figures;
    return std::tuple{field("bits_per_byte", &C::bits_per_byte, "by the split; empty: no tokens were given"),
                      field("tasks", &C::tasks, "classification"), field("samples", &C::samples, "of its text")};
  }
};

}  // namespace maru::eval
