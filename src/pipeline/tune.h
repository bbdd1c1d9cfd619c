// The stage from a model and examples to a tuned model: the method and its defaults follow from the data, the data is
// checked and packed, and what a recipe leaves open is filled in. Training itself is train.h.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "pipeline/curate.h"
#include "pipeline/train.h"

namespace maru::pipeline {

/// What `maru tune` asks for; the keys of a training recipe stand beside these in its recipe.
struct TuneConfig {
  std::string method, model, name, tokenizer;
  std::vector<std::string> data;
  std::vector<double> weights;
  double held_out = 0.05;
  std::optional<double> highest_score;
  int64_t samples = 4;
  static constexpr auto fields() {
    using C = TuneConfig;
    return std::tuple{
        field("method", &C::method,
              "what is learnt; empty: as the data is, sft from conversations and documents (or distill, with "
              "distill.teacher=), dpo from pairs of answers (or orpo, cpo, reward), kto from answers with labels, grpo "
              "from prompts, embed (or rank) from pairs of texts")
            .one_of("|sft|distill|dpo|orpo|cpo|reward|kto|grpo|embed|rank"),
        field("model", &C::model, "the model that is tuned, by name or directory"),
        field("name", &C::name, "of the run and of what it makes; empty: MODEL-METHOD"),
        field("tokenizer", &C::tokenizer, "empty: the one that the model was made with"),
        field("data", &C::data, "JSONL files or folders of them, or one dataset by name"),
        field("weights", &C::weights, "how often a pass shows each input's lines; empty: once").range(0, 1000),
        field("held_out", &C::held_out, "part of the lines kept from training, to measure on").range(0, 0.9),
        field("highest_score", &C::highest_score,
              "of two texts with a score: what scores are divided by, as 5 of STS; empty: 1")
            .range(1e-9, 1e9),
        field("samples", &C::samples, "held-out prompts that the report shows answers to, before and after; 0: none")
            .range(0, 1000)};
  }
};

/// The two halves of a recipe: what `maru tune` asks for, and keys of a training recipe.
struct TuneRecipe {
  TuneConfig tune;
  Json train;
};
/// `where` stands in the errors. One text in the place of a list of data is a list of one.
TuneRecipe split_tune_recipe(const Json& recipe, const std::string& where);

/// A tuning that can start: its data packed, its recipe whole.
struct TunePlan {
  std::string method;
  PackedTokens tokens;
  train::TrainConfig recipe;
  bool answers = true;  // what it makes: reward models and rerankers score, and vectors are none
};

/// Checks and packs the data, and fills in what `recipe` (keys of a training recipe; null: none) leaves open:
///
///   optimizer.lr      TRL's for models of 10⁹ parameters (2e-5 for sft, distill and embed, 1e-5 for reward and rank,
///   1e-6
///                     for the others), times √(10⁹ / parameters), at most 1e-3; ten times that for an adapter, at most
///                     2e-3
///   sequence_length   of the longest example, and room for an answer where that is sampled, as far as the model goes,
///   at
///                     most 4,096
///   epochs            3 for sft, distill, embed and rank, 1 for the others
///   the rest          AdamW without decay, cosine to 0; the best validation is kept
///
/// Throws   kInvalidArgument for data that is not the method's, or a key that `maru tune` settles itself; what packing
///          throws, naming file, line and field.
TunePlan plan_tuning(const Workplace&, const TuneConfig&, const Json& recipe);

}  // namespace maru::pipeline
