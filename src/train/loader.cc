#include "train/loader.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/map_guard.h"
#include "base/random.h"

namespace maru::train {

Loader::Loader(const formats::TokenDataset& dataset, int64_t sequence_length, uint64_t seed, LoaderState state)
    : dataset_(dataset), sequence_length_(sequence_length), seed_(seed), state_(state) {
  if (dataset.num_tokens() == 0) throw Failure(ErrorCode::kInvalidArgument, "loader: the dataset holds no tokens");
  if (state.document > dataset.num_documents())
    throw Failure(ErrorCode::kDataLoss, "loader: the saved position lies outside the dataset");
  begin_epoch();
}

// Fisher-Yates from the epoch's own generator.
std::vector<int32_t> epoch_order(int64_t count, uint64_t seed, int64_t epoch) {
  std::vector<int32_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  Random random(derive_seed(seed, "epoch " + std::to_string(epoch)));
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

void Loader::begin_epoch() { order_ = epoch_order(dataset_.num_documents(), seed_, state_.epoch); }

void Loader::next(MicroBatch& batch, int64_t tokens) {
  batch.clear();
  for_pieces(tokens, [&](const Piece& piece) {
    append_document_piece(batch, dataset_.document(piece.document), piece.first, piece.count, piece_);
  });
  check_mapped_files();
}

int64_t Loader::skip(int64_t tokens) {
  return for_pieces(tokens, [](const Piece&) {});
}

template <class F>
int64_t Loader::for_pieces(int64_t tokens, F&& use) {
  const int64_t most_pieces = std::max<int64_t>(1, tokens / kMinMeanPiece);
  int64_t taken = 0;
  for (int64_t pieces = 0; taken < tokens && pieces < most_pieces; ++pieces) {
    const Piece piece = take_piece(tokens - taken);
    use(piece);
    taken += piece.count;
  }
  return taken;
}

int64_t Loader::next_document() {
  if (state_.document == dataset_.num_documents()) {
    state_ = {.epoch = state_.epoch + 1, .document = 0, .offset = 0};
    begin_epoch();
  }
  return order_[static_cast<size_t>(state_.document)];
}

int64_t Loader::pass_document() {
  const int64_t document = next_document();
  const int64_t left = dataset_.begin_of(document + 1) - dataset_.begin_of(document) - state_.offset;
  state_ = {.epoch = state_.epoch, .document = state_.document + 1, .offset = 0};
  return left;
}

Loader::Piece Loader::take_piece(int64_t room) {
  const int64_t document = next_document();
  const int64_t size = dataset_.begin_of(document + 1) - dataset_.begin_of(document);
  const Piece piece{document, state_.offset, std::min({room, sequence_length_, size - state_.offset})};
  state_.offset += piece.count;
  if (state_.offset >= size) state_ = {.epoch = state_.epoch, .document = state_.document + 1, .offset = 0};
  return piece;
}

int64_t BatchSource::steps_of(double epochs, int64_t tokens, int64_t batches) {
  return (count_micro_batches(*this, tokens, epochs) + batches - 1) / batches;
}

int64_t count_micro_batches(BatchSource& source, int64_t tokens, double epochs) {
  const auto wanted = static_cast<int64_t>(std::ceil(epochs * static_cast<double>(source.tokens_of_epoch())));
  int64_t batches = 0;
  for (int64_t seen = 0; seen < wanted; ++batches) seen += source.skip(tokens);
  return batches;
}

void append_document_piece(MicroBatch& batch, const formats::TokenDocument& document, int64_t first, int64_t count,
                           std::vector<int32_t>& scratch) {
  scratch.resize(static_cast<size_t>(count));
  document.tokens.subspan(first, count).copy_to(scratch);
  batch.builder.add(scratch);
  for (int64_t i = first + 1; i <= first + count; ++i) {
    const bool counts = i < document.tokens.size() && document.mask[i];
    batch.targets.push_back(counts ? static_cast<int32_t>(document.tokens[i]) : -1);
    batch.counted += counts;
  }
}

}  // namespace maru::train
