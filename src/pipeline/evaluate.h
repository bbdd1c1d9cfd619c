// The stage from a model to figures: bits per byte beside what compressors reach, classification, samples.
#pragma once
#include "eval/classify.h"
#include "pipeline/workplace.h"

namespace maru::pipeline {

/// How a model is evaluated.
struct EvaluateConfig {
  std::string model;
  std::string adapter;     // a PEFT adapter beside its weights
  std::string tokens;      // token shards whose held-out split is scored; empty: those the model was trained on
  std::string train_text;  // what the compressors are given first; empty: the dataset of the tokens
  int64_t overlap = 0;     // context that windows of long documents share
  int64_t held_out_tokens = 0;
  bool baselines = true;
  std::vector<eval::ClassifyConfig> tasks;
  std::vector<std::string> prompts;
  static constexpr auto fields() {
    using C = EvaluateConfig;
    return std::tuple{
        field("model", &C::model, "model by name or directory"),
        field("adapter", &C::adapter, "PEFT adapter by name or directory, used beside the weights; empty: none"),
        field("tokens", &C::tokens, "token shards; empty: those the model was trained on"),
        field("train_text", &C::train_text,
              "dataset that the compressors read first; empty: the one behind the tokens"),
        field("overlap", &C::overlap, "tokens of context that windows of long documents share").range(0, 1 << 20),
        field("held_out_tokens", &C::held_out_tokens, "0: all").range(0, 1e15),
        field("baselines", &C::baselines, "compare with xz and zstd"),
        field("tasks", &C::tasks, "classification tasks (recipes/eval/*.yaml)"),
        field("prompts", &C::prompts, "continued greedily, as samples")};
  }
};

struct Evaluation {
  Json figures;          // contents of evaluation.json
  bool skipped = false;  // they were there already, of the same model and recipe
};

/// Evaluates a model, and keeps the figures in its folder evaluation (evaluation-ADAPTER with an adapter) when it is an
/// artefact; into a directory of somebody else nothing is written.
///
/// Throws   kInvalidArgument without tokens and tasks, and for tokens of another tokenizer.
Evaluation evaluate(const Workplace&, const EvaluateConfig&);

}  // namespace maru::pipeline
