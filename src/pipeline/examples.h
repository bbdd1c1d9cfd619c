// What packed tokens show a model, as text: for people who want to see it before hours are spent.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "pipeline/curate.h"

namespace maru::pipeline {

struct ExamplePiece {
  std::string text;
  bool learned = false;  // its tokens are predicted
};

struct Example {
  int64_t document = 0, tokens = 0, learned = 0;  // learned: of the tokens
  std::vector<ExamplePiece> pieces;
  std::string role;  // of a text: "query", "positive", "negative", or "score 0.75"; empty: it is none
};

/// Of the training split.
struct ExampleFigures {
  int64_t documents = 0, held_out = 0, tokens = 0, learned = 0, longest = 0;  // held_out: documents
  bool pairs = false;  // documents 2i and 2i + 1 are a chosen and a rejected answer
  bool texts = false;  // nothing is predicted: documents are learnt from as wholes
};

struct Examples {
  ExampleFigures figures;
  std::vector<Example> shown;
};

struct ExamplesConfig {
  std::string data;       // packed tokens by name (talks/tokens-docs) or path, or a JSONL file or folder of them
  std::string tokenizer;  // of a file, by name or path; a model is one too
  int64_t first = 0, count = 3;
  std::optional<double> highest_score = {};  // of a file of texts with scores
};

/// A file is checked and packed whole, to a place that is removed again.
///
/// Throws   what packing throws, naming file, line and field; kInvalidArgument for a file without a tokenizer, for a
///          dataset that is not packed, or when there is no document `first`.
Examples examples_of(const Workplace&, const ExamplesConfig&);

}  // namespace maru::pipeline
