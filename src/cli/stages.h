// The stages of the line, each as its verb runs it and as `maru up` runs it. Every stage is skipped when an artefact
// with the same recipe and inputs is there already.
#pragma once
#include <string>

#include "cli/session.h"
#include "data/build.h"
#include "data/pack.h"
#include "eval/classify.h"
#include "text/tokenizer/train/bpe_trainer.h"
#include "train/run.h"

namespace maru::cli {

/// What a stage did: the line for people, the object for machines.
struct StageResult {
  std::string text;
  Json json;
  bool skipped = false;
};

/// How a tokenizer is made.
struct TokenizerConfig {
  std::string name = "tokenizer";
  std::vector<std::string> inputs;
  int64_t context_length = 1024;
  text::BpeTrainerConfig trainer;
  static constexpr auto fields() {
    using C = TokenizerConfig;
    return std::tuple{
        field("name", &C::name, "of the tokenizer"),
        field("inputs", &C::inputs, "datasets by name, or text and JSONL files (.gz .zst .xz too)"),
        field("context_length", &C::context_length, "model_max_length in tokenizer_config.json").range(1, 1 << 24),
        field("trainer", &C::trainer, "")};
  }
};

/// How a model is evaluated.
struct EvalConfig {
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
    using C = EvalConfig;
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

StageResult build_data(Session&, const std::string& name, const data::BuildConfig&, bool force = false);
StageResult train_tokenizer(Session&, const TokenizerConfig&, bool force = false);
StageResult pack_data(Session&, const std::string& dataset, const std::string& tokenizer);
StageResult pack_chat_data(Session&, const std::string& name, const std::string& tokenizer,
                           const data::ChatPackConfig&);
/// `set_aside`: a run of this name with another recipe or other inputs is renamed, in place of refusing.
StageResult train_model(Session&, train::TrainConfig, bool set_aside);
StageResult evaluate_model(Session&, const EvalConfig&);

}  // namespace maru::cli
