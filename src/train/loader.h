// Training batches: documents in a shuffled order, cut into pieces, packed end to end without padding.
//
// The order of an epoch is a permutation that depends on seed and epoch alone, and a position in it is all the state
// there is: a run resumes at the exact token. Pieces attend only to themselves.
//
// Answers, which stay whole, have a loader of their own (answer_loader.h).
#pragma once
#include <cstdint>
#include <string>
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
    return std::tuple{
        field("epoch", &C::epoch, "passes finished").range(0, 9e15),
        field("document", &C::document, "documents, or pairs of them, finished in this epoch").range(0, 9e15),
        field("offset", &C::offset, "tokens of the next document already used").range(0, 9e15)};
  }
};

/// Where micro-batches come from, pass after pass over the data.
class BatchSource {
 public:
  virtual ~BatchSource() = default;
  /// Fills a micro-batch of at most `tokens` tokens.
  virtual void next(MicroBatch& batch, int64_t tokens) = 0;
  /// Fills the micro-batches of a step; those that do not know before how many they need change their number.
  virtual void next_step(std::vector<MicroBatch>& batches, int64_t tokens) {
    for (MicroBatch& batch : batches) next(batch, tokens);
  }
  /// Steps of `batches` micro-batches each until `epochs` passes over the data have been seen, from the beginning.
  virtual int64_t steps_of(double epochs, int64_t tokens, int64_t batches);
  /// Whether who goes on from state() sees what would come now. Where not, it does after some steps more.
  virtual bool may_rest() const { return true; }
  /// Goes on by what next() would take, without reading it; returns its tokens.
  virtual int64_t skip(int64_t tokens) = 0;
  virtual const LoaderState& state() const = 0;
  virtual int64_t tokens_of_epoch() const = 0;
  /// How much of the data is never shown; in words, empty: nothing.
  virtual std::string left_out() const { return ""; }
};

/// The order of `count` things in an epoch.
std::vector<int32_t> epoch_order(int64_t count, uint64_t seed, int64_t epoch);

class Loader final : public BatchSource {
 public:
  Loader(const formats::TokenDataset& dataset, int64_t sequence_length, uint64_t seed, LoaderState state = {});
  void next(MicroBatch& batch, int64_t tokens) override;
  int64_t skip(int64_t tokens) override;
  const LoaderState& state() const override { return state_; }
  int64_t tokens_of_epoch() const override { return dataset_.num_tokens(); }
  /// The document that comes next, or of which a part is seen already.
  int64_t next_document();
  /// Goes on behind it; returns how many of its tokens were not seen.
  int64_t pass_document();

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
/// Takes them from `source`, which stands at its beginning.
///
/// Cost     one look at the size of each document and pass.
int64_t count_micro_batches(BatchSource& source, int64_t tokens, double epochs);

/// Appends tokens [first, first + count) of a document, each with the token behind it as its target.
void append_document_piece(MicroBatch& batch, const formats::TokenDocument& document, int64_t first, int64_t count,
                           std::vector<int32_t>& scratch);

}  // namespace maru::train
