// The text on which a change of a model is measured, in bits per byte: one that somebody names, or what the model's
// training held out.
#pragma once
#include <optional>
#include <string>

#include "eval/windows.h"
#include "formats/token_dataset.h"
#include "models/adapter.h"
#include "pipeline/workplace.h"
#include "text/tokenizer/tokenizer.h"

namespace maru::pipeline {

struct MeasuredText {
  std::string on;  // empty: nothing
  eval::Windows windows;
  std::optional<formats::TokenDataset> held_out;
  int64_t tokens = 0;  // to be counted, about
  int64_t window = 0;
};

/// Which text is wanted.
struct TextWanted {
  std::string text;        // by path, or a dataset by name; empty: what the training of `of` held out
  int64_t tokens = 65536;  // of it are scored, whole documents; 0: all
  fs::path of;             // a model or adapter
};

/// What a model sees at once when it is measured.
int64_t measured_window(Decoder& model);

/// A text by path, or the file of a split of a dataset by its name.
fs::path find_text(const Workplace&, const std::string& name, const char* split);

/// Windows of a text that somebody named, of about `most` tokens; 0: all.
eval::Windows windows_of_file(const fs::path& file, const text::Tokenizer&, int64_t length, int64_t most);

/// Throws   as Home::find for a dataset; what reading the text throws.
MeasuredText measured_text(const Workplace&, const TextWanted&, const text::Tokenizer&, int64_t window);

/// Of the model, with the adapter beside it if there is one; nothing when the text has nothing to predict.
std::optional<double> bits_per_byte(const Workplace&, Decoder&, const MeasuredText&, Adapter* adapter = nullptr);

}  // namespace maru::pipeline
