#include "train/loader.h"

#include <algorithm>
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
void Loader::begin_epoch() {
  order_.resize(static_cast<size_t>(dataset_.num_documents()));
  std::iota(order_.begin(), order_.end(), 0);
  Random random(derive_seed(seed_, "epoch " + std::to_string(state_.epoch)));
  for (size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[random.below(i)]);
}

void Loader::next(MicroBatch& batch, int64_t tokens) {
  batch.builder.clear();
  batch.targets.clear();
  batch.counted = 0;
  const size_t most_pieces = static_cast<size_t>(std::max<int64_t>(1, tokens / kMinMeanPiece));
  while (batch.builder.num_tokens() < tokens && batch.builder.sequences().size() < most_pieces)
    append_piece(batch, tokens - batch.builder.num_tokens());
  check_mapped_files();
}

void Loader::append_piece(MicroBatch& batch, int64_t room) {
  if (state_.document == dataset_.num_documents()) {
    state_ = {.epoch = state_.epoch + 1, .document = 0, .offset = 0};
    begin_epoch();
  }
  const formats::TokenDocument document = dataset_.document(order_[static_cast<size_t>(state_.document)]);
  const int64_t size = document.tokens.size();
  const int64_t count = std::min({room, sequence_length_, size - state_.offset});
  append_document_piece(batch, document, state_.offset, count, piece_);
  state_.offset += count;
  if (state_.offset >= size) state_ = {.epoch = state_.epoch, .document = state_.document + 1, .offset = 0};
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
