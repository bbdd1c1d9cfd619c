// The stage from text to a tokenizer.
#pragma once
#include "pipeline/workplace.h"
#include "text/tokenizer/train/bpe_trainer.h"

namespace maru::pipeline {

/// How a tokenizer is made. The whole of it is the recipe in its manifest.
struct TokenizeConfig {
  std::string name = "tokenizer";
  std::vector<std::string> inputs;
  int64_t context_length = 1024;
  text::BpeTrainerConfig trainer;
  static constexpr auto fields() {
    using C = TokenizeConfig;
    return std::tuple{
        field("name", &C::name, "of the tokenizer"),
        field("inputs", &C::inputs, "datasets by name, or text and JSONL files (.gz .zst .xz too)"),
        field("context_length", &C::context_length, "model_max_length in tokenizer_config.json").range(1, 1 << 24),
        field("trainer", &C::trainer, "")};
  }
};

struct TokenizeResult {
  std::string name;
  Json report;           // fields of text::BpeTrainerReport
  bool skipped = false;  // it was there already, made from the same inputs by the same recipe
};

/// Trains tokenizers/NAME. `force`: also when nothing has changed.
///
/// Throws   as text::train_tokenizer, Home::find for an input and Home::place for the name.
TokenizeResult tokenize(const Workplace&, const TokenizeConfig&, bool force = false);

/// The files of text behind datasets by name and paths: of a dataset its training documents, never the held-out ones.
std::vector<fs::path> text_files(const catalogue::Home&, const std::vector<std::string>& names);

}  // namespace maru::pipeline
