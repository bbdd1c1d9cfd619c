// Pairs of answers as training batches: documents 2i and 2i + 1 of the data are the chosen and the rejected answer to
// one prompt, and stay together. Answers longer than a sequence lose their end (TRL's keep_start); a pair of which one
// answer is lost altogether is left out.
#pragma once
#include <cstdint>
#include <vector>

#include "train/loader.h"

namespace maru::train {

/// The pairs of a dataset that are learnt from, as sequences of at most `sequence_length` tokens.
class PairSet {
 public:
  /// Throws   kDataLoss for an odd number of documents.
  /// Cost     one look at the mask of every document.
  PairSet(const formats::TokenDataset& dataset, int64_t sequence_length);
  int64_t size() const { return static_cast<int64_t>(pairs_.size()); }
  int64_t left_out() const { return dataset_.num_documents() / 2 - size(); }
  /// Of both sequences of a pair, and of all pairs.
  int64_t tokens(int64_t pair) const { return pairs_[static_cast<size_t>(pair)].tokens; }
  int64_t tokens() const { return all_tokens_; }
  /// Appends the chosen sequence, then the rejected one; the pair counts as one.
  void append(MicroBatch& batch, int64_t pair, std::vector<int32_t>& scratch) const;

 private:
  struct Pair {
    int64_t document, tokens;  // the chosen answer's; of both sequences
  };
  int64_t sequence_tokens(int64_t document) const;
  bool has_answer(int64_t document) const;
  const formats::TokenDataset& dataset_;
  int64_t sequence_length_, all_tokens_ = 0;
  std::vector<Pair> pairs_;
};

/// Whole pairs in a shuffled order, anew for each epoch; resumes at the exact pair.
class PairLoader final : public BatchSource {
 public:
  /// Throws   kInvalidArgument when no pair is left; kDataLoss when `state` is not of this data.
  PairLoader(const formats::TokenDataset& dataset, int64_t sequence_length, uint64_t seed, LoaderState state = {});
  /// CHECKs that `tokens` hold any pair: twice the sequence length.
  void next(MicroBatch& batch, int64_t tokens) override;
  int64_t skip(int64_t tokens) override;
  const LoaderState& state() const override { return state_; }
  int64_t tokens_of_epoch() const override { return pairs_.tokens(); }
  std::string left_out() const override;

 private:
  template <class F>
  int64_t for_pairs(int64_t tokens, const F& use);
  PairSet pairs_;
  int64_t sequence_length_;
  uint64_t seed_;
  LoaderState state_;
  std::vector<int32_t> order_;
  std::vector<int32_t> piece_;  // scratch
};

}  // namespace maru::train
