// Texts that are embedded or scored as training batches: a query with its documents, or two texts with a score. An
// example is never split; texts longer than a sequence lose their end, what the tokenizer puts around them stays.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "base/json_fwd.h"
#include "train/loader.h"

namespace maru::train {

/// What a document of packed texts is (data::kQueryValue and its neighbours).
enum class TextRole : uint8_t { kQuery = 0, kPositive = 1, kNegative = 2 };

/// The tokens that a tokenizer puts before, between and behind texts.
struct TextFrame {
  std::vector<std::vector<int32_t>> pieces, piece_types;  // one more than texts
  std::vector<int32_t> types;                             // of each text
  int64_t tokens() const;
};

/// How a directory of texts was packed.
struct TextForm {
  bool scored = false;
  TextFrame single, pair;
};

/// Of the notes of its manifest. Throws   kDataLoss naming what is missing.
TextForm text_form(const fs::path& tokens);

/// How texts become sequences.
struct TextShape {
  int64_t sequence_length = 0, micro_batch_tokens = 0;
  bool together = false;  // a sequence is the query and a document; otherwise a text
                          // Then an example has a negative at least, or is left out.
};

/// The tokens of two texts that remain where only `room` fit: the longer one loses its end first, then both.
std::array<int64_t, 2> fit_texts(int64_t first, int64_t second, int64_t room);

/// The examples of a dataset.
class TextSet {
 public:
  /// Throws   kDataLoss for documents that are no examples; kInvalidArgument when `sequence_length` has no room for a
  ///          token beside the frame.
  /// Cost     one look at the size and the value of every document.
  TextSet(const formats::TokenDataset& dataset, const TextForm& form, const TextShape& shape);
  int64_t size() const { return static_cast<int64_t>(examples_.size()); }
  int64_t tokens(int64_t example) const { return examples_[static_cast<size_t>(example)].tokens; }
  int64_t sequences(int64_t example) const { return examples_[static_cast<size_t>(example)].sequences; }
  int64_t tokens() const { return all_tokens_; }
  /// What of the data is not learnt from as it is, in words; empty: all of it is.
  std::string left_out() const;
  /// Appends the sequences of an example with their values: roles, or scores. It counts as one.
  void append(MicroBatch& batch, int64_t example) const;

 private:
  struct Example {
    int64_t document, documents, sequences, tokens;
  };
  int64_t length(int64_t document) const { return dataset_.begin_of(document + 1) - dataset_.begin_of(document); }
  int64_t documents_at(int64_t first) const;
  Example example_at(int64_t first);
  std::array<int64_t, 2> kept(int64_t query, int64_t document) const;
  void append_text(std::vector<int32_t>& tokens, int64_t document, int64_t count) const;
  const formats::TokenDataset& dataset_;
  const TextForm form_;
  const TextShape shape_;
  int64_t all_tokens_ = 0, cut_ = 0, texts_ = 0, too_large_ = 0, alone_ = 0;
  std::vector<Example> examples_;
};

/// Whole examples in a shuffled order, anew for each epoch; resumes at the exact example.
class TextLoader final : public BatchSource {
 public:
  /// Throws   kInvalidArgument when no example is left; kDataLoss when `state` is not of this data.
  TextLoader(const formats::TokenDataset& dataset, const TextForm& form, const TextShape& shape, uint64_t seed,
             LoaderState state = {});
  /// CHECKs that `tokens` are those of the shape.
  void next(MicroBatch& batch, int64_t tokens) override;
  int64_t skip(int64_t tokens) override;
  const LoaderState& state() const override { return state_; }
  int64_t tokens_of_epoch() const override { return examples_.tokens(); }
  std::string left_out() const override { return examples_.left_out(); }

 private:
  template <class F>
  int64_t for_examples(int64_t tokens, const F& use);
  TextSet examples_;
  int64_t most_tokens_;
  uint64_t seed_;
  LoaderState state_;
  std::vector<int32_t> order_;
};

/// Sequences that a micro-batch may have.
int64_t most_sequences(int64_t tokens);

}  // namespace maru::train
