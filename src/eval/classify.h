// Classification by likelihood: the label whose wording the model finds most likely behind the text.
#pragma once
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/watch.h"
#include "eval/interval.h"
#include "models/decoder.h"
#include "ops/step_memory.h"
#include "text/tokenizer/tokenizer.h"

namespace maru::eval {

struct LabelConfig {
  std::string name, wording;
  double low = 0, high = 0;  // values of label_field that mean this label
  static constexpr auto fields() {
    using C = LabelConfig;
    return std::tuple{field("name", &C::name, "of the label"),
                      field("wording", &C::wording, "what the model reads for it"),
                      field("low", &C::low, "smallest value of label_field"), field("high", &C::high, "largest")};
  }
};

struct ClassifyConfig {
  std::string name = "task", file, text_field = "text", label_field = "label";
  std::string prompt = "{text}";
  std::vector<LabelConfig> labels;
  std::string normalise = "unconditional";
  int64_t samples = 1000, seed = 1;
  static constexpr auto fields() {
    using C = ClassifyConfig;
    return std::tuple{
        field("name", &C::name, "of the task"),
        field("file", &C::file, "JSONL, also compressed"),
        field("text_field", &C::text_field, "key of the text"),
        field("label_field", &C::label_field, "key of a number"),
        field("prompt", &C::prompt, "what stands before the label; {text} is replaced"),
        field("labels", &C::labels, "list of name, wording, low, high"),
        field("normalise", &C::normalise,
              "unconditional: log p(label | text) - log p(label), Holtzman et al. 2021; none: the first alone")
            .one_of("unconditional|none"),
        field("samples", &C::samples,
              "drawn at random, the same number of each label: that of the rarest where one has fewer")
            .range(1, 1e9),
        field("seed", &C::seed, "of the draw").range(0, 9e15)};
  }
};

struct ClassifyResult {
  std::string name;
  int64_t samples = 0, correct = 0;
  Interval accuracy;  // 95 %
  double chance = 0;  // of always giving one answer
  std::string note;   // why there are fewer samples than asked for; empty: as many
};

/// Blank lines are passed over.
///
/// Throws   kInvalidArgument naming file, line and field when a row lacks the fields, or a label has no rows.
/// Source   Brown et al. 2020, arXiv:2005.14165, §2.4; Holtzman et al. 2021, arXiv:2104.08315.
ClassifyResult classify(StepMemory&, Decoder&, const text::Tokenizer&, const ClassifyConfig&, const Watch& = {});

}  // namespace maru::eval
