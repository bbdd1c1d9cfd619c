// What a tuned model answers beside the model that it was tuned from, to prompts that were held out: for people to
// read.
#pragma once
#include <string>
#include <vector>

#include "base/fields.h"
#include "pipeline/workplace.h"
#include "train/config.h"

namespace maru::pipeline {

struct ComparedAnswer {
  std::string prompt, expected, before, after;
  static constexpr auto fields() {
    using C = ComparedAnswer;
    return std::tuple{field("prompt", &C::prompt, "what both were given, in the form they are trained on"),
                      field("expected", &C::expected, "what the data answers; empty: nothing"),
                      field("before", &C::before, "the model that the run started from, always its likeliest token"),
                      field("after", &C::after, "what the run has made, in the same way")};
  }
};

struct Comparison {
  std::string result;  // SHA-256 of its manifest
  int64_t asked = 0;
  std::vector<ComparedAnswer> answers;
  static constexpr auto fields() {
    using C = Comparison;
    return std::tuple{field("result", &C::result, "SHA-256 of the manifest of what the run has made"),
                      field("asked", &C::asked, "how many prompts were wanted"),
                      field("answers", &C::answers, "to prompts from all over what was held out")};
  }
};

/// Writes runs/NAME/comparison.json, unless the one that lies there is of this result. `recipe` is that of a run that
/// has ended in a model, or an adapter, which answers. Prompts that leave the model no room are left out.
///
/// Throws   kNotFound without the model or its tokens; kCancelled, and nothing is written.
Comparison compare_answers(const Workplace&, const train::TrainConfig& recipe, int64_t count);

}  // namespace maru::pipeline
