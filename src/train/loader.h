// Training batches: documents in a shuffled order, cut into pieces, packed end to end without padding.
//
// The order of an epoch is a permutation that depends on seed and epoch alone, and a position in it is all the state
// there is: a run resumes at the exact token. Pieces attend only to themselves.
#pragma once
#include <cstdint>
#include <vector>

#include "base/fields.h"
#include "formats/token_dataset.h"
#include "train/micro_batch.h"

namespace maru::train {

/// Where the next token comes from.
struct LoaderState {
  int64_t epoch = 0, document = 0, offset = 0;  // document: index into the epoch's permutation
  bool operator==(const LoaderState&) const = default;
  static constexpr auto fields() {
    using C = LoaderState;
    return std::tuple{field("epoch", &C::epoch, "passes finished").range(0, 9e15),
                      field("document", &C::document, "documents finished in this epoch").range(0, 9e15),
                      field("offset", &C::offset, "tokens of the next document already used").range(0, 9e15)};
  }
};

class Loader {
 public:
  Loader(const formats::TokenDataset& dataset, int64_t sequence_length, uint64_t seed, LoaderState state = {});
  /// Fills a micro-batch of at most `tokens` tokens.
  void next(MicroBatch& batch, int64_t tokens);
  /// Goes on by what next() would take, without reading it; returns its tokens.
  int64_t skip(int64_t tokens);
  const LoaderState& state() const { return state_; }

 private:
  void begin_epoch();
  struct Piece {
    int64_t document, first, count;  // index into the dataset; tokens
  };
  Piece take_piece(int64_t room);
  template <class F>
  int64_t for_pieces(int64_t tokens, F&& use);
  const formats::TokenDataset& dataset_;
  int64_t sequence_length_;
  uint64_t seed_;
  LoaderState state_;
  std::vector<int32_t> order_;
  std::vector<int32_t> piece_;  // scratch
};

/// Micro-batches of at most `tokens` tokens until `epochs` passes over the data have been seen, fractions by tokens.
///
/// Cost     one look at the size of each document and pass.
int64_t count_micro_batches(const formats::TokenDataset& dataset, int64_t sequence_length, uint64_t seed,
                            int64_t tokens, double epochs);

/// Appends tokens [first, first + count) of a document, each with the token behind it as its target.
void append_document_piece(MicroBatch& batch, const formats::TokenDocument& document, int64_t first, int64_t count,
                           std::vector<int32_t>& scratch);

}  // namespace maru::train
