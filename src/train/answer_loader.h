// Answers as training batches. An example is a pair, documents 2i and 2i + 1 of the data (the chosen and the rejected
// answer to one prompt), or a single document. It is never split. Answers longer than a sequence lose their end (TRL's
// keep_start); an example of which one answer is lost altogether is left out.
#pragma once
#include <cstdint>
#include <vector>

#include "train/known_losses.h"
#include "train/loader.h"

namespace maru::train {

/// How answers are read.
struct AnswerForm {
  int64_t answers = 2;  // of an example: 2, a pair; 1, each by itself
  bool whole = false;   // what a sequence does not hold whole is left out
  const char* words() const { return answers == 2 ? "pairs" : "answers"; }
};

/// The examples of a dataset that are learnt from, as sequences of at most `sequence_length` tokens.
class AnswerSet {
 public:
  /// `known`: losses under a reference, which micro-batches then bring, or null.
  ///
  /// Throws   kDataLoss for an odd number of documents in pairs.
  /// Cost     one look at the mask of every document.
  AnswerSet(const formats::TokenDataset& dataset, int64_t sequence_length, const AnswerForm& form,
            const KnownLosses* known = nullptr);
  int64_t size() const { return static_cast<int64_t>(examples_.size()); }
  int64_t left_out() const { return dataset_.num_documents() / form_.answers - size(); }
  /// Of all sequences of an example, and of all examples.
  int64_t tokens(int64_t example) const { return examples_[static_cast<size_t>(example)].tokens; }
  int64_t tokens() const { return all_tokens_; }
  const AnswerForm& form() const { return form_; }
  /// Appends the sequences of an example, the chosen one first, with the values of their documents if they have any;
  /// the example counts as one.
  void append(MicroBatch& batch, int64_t example, std::vector<int32_t>& scratch) const;

 private:
  struct Example {
    int64_t document, tokens;  // the first of it; of all its sequences
  };
  int64_t sequence_tokens(int64_t document) const;
  bool has_answer(int64_t document) const;
  const formats::TokenDataset& dataset_;
  int64_t sequence_length_, all_tokens_ = 0;
  AnswerForm form_;
  const KnownLosses* known_;
  std::vector<Example> examples_;
};

/// Whole examples in a shuffled order, anew for each epoch; resumes at the exact example. A micro-batch has two
/// sequences at least.
class AnswerLoader final : public BatchSource {
 public:
  /// Throws   kInvalidArgument when no example is left; kDataLoss when `state` is not of this data.
  AnswerLoader(const formats::TokenDataset& dataset, int64_t sequence_length, const AnswerForm& form, uint64_t seed,
               LoaderState state = {}, const KnownLosses* known = nullptr);
  /// CHECKs that `tokens` hold any two sequences.
  void next(MicroBatch& batch, int64_t tokens) override;
  int64_t skip(int64_t tokens) override;
  const LoaderState& state() const override { return state_; }
  int64_t tokens_of_epoch() const override { return examples_.tokens(); }
  std::string left_out() const override;

 private:
  template <class F>
  int64_t for_examples(int64_t tokens, const F& use);
  AnswerSet examples_;
  int64_t sequence_length_;
  uint64_t seed_;
  LoaderState state_;
  std::vector<int32_t> order_;
  std::vector<int32_t> piece_;  // scratch
};

}  // namespace maru::train
