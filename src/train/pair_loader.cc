#include "train/pair_loader.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/map_guard.h"

namespace maru::train {

PairSet::PairSet(const formats::TokenDataset& dataset, int64_t sequence_length)
    : dataset_(dataset), sequence_length_(sequence_length) {
  if (dataset.num_documents() % 2 != 0)
    throw Failure(ErrorCode::kDataLoss, fmt::format("pairs of answers: expected an even number of documents, got {}",
                                                    dataset.num_documents()));
  for (int64_t d = 0; d < dataset.num_documents(); d += 2) {
    if (!has_answer(d) || !has_answer(d + 1)) continue;
    pairs_.push_back({d, sequence_tokens(d) + sequence_tokens(d + 1)});
    all_tokens_ += pairs_.back().tokens;
  }
  check_mapped_files();
}

int64_t PairSet::sequence_tokens(int64_t document) const {
  return std::min(sequence_length_, dataset_.begin_of(document + 1) - dataset_.begin_of(document));
}

// The last token of a sequence has a target, too: the one behind it.
bool PairSet::has_answer(int64_t document) const {
  const formats::TokenDocument tokens = dataset_.document(document);
  for (int64_t i = 1; i < std::min(tokens.tokens.size(), sequence_length_ + 1); ++i)
    if (tokens.mask[i]) return true;
  return false;
}

void PairSet::append(MicroBatch& batch, int64_t pair, std::vector<int32_t>& scratch) const {
  const int64_t chosen = pairs_[static_cast<size_t>(pair)].document, counted = batch.counted + 1;
  for (const int64_t document : {chosen, chosen + 1})
    append_document_piece(batch, dataset_.document(document), 0, sequence_tokens(document), scratch);
  batch.counted = counted;
}

PairLoader::PairLoader(const formats::TokenDataset& dataset, int64_t sequence_length, uint64_t seed, LoaderState state)
    : pairs_(dataset, sequence_length), sequence_length_(sequence_length), seed_(seed), state_(state) {
  if (pairs_.size() == 0)
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("none of {} pairs has a token of both answers within sequence_length {}",
                              pairs_.left_out(), sequence_length));
  if (state.document > pairs_.size())
    throw Failure(ErrorCode::kDataLoss, "loader: the saved position lies outside the dataset");
  order_ = epoch_order(pairs_.size(), seed_, state_.epoch);
}

void PairLoader::next(MicroBatch& batch, int64_t tokens) {
  batch.clear();
  for_pairs(tokens, [&](int64_t pair) { pairs_.append(batch, pair, piece_); });
  check_mapped_files();
}

int64_t PairLoader::skip(int64_t tokens) {
  return for_pairs(tokens, [](int64_t) {});
}

std::string PairLoader::left_out() const {
  if (pairs_.left_out() == 0) return "";
  return fmt::format("{} of {} pairs left out: sequence_length {} holds no token of one of the answers",
                     pairs_.left_out(), pairs_.left_out() + pairs_.size(), sequence_length_);
}

template <class F>
int64_t PairLoader::for_pairs(int64_t tokens, const F& use) {
  CHECK(tokens >= 2 * sequence_length_);
  const int64_t most_pieces = std::max<int64_t>(2, tokens / kMinMeanPiece);
  int64_t taken = 0;
  for (int64_t pieces = 2; pieces <= most_pieces; pieces += 2) {
    if (state_.document == pairs_.size()) {
      state_ = {.epoch = state_.epoch + 1, .document = 0, .offset = 0};
      order_ = epoch_order(pairs_.size(), seed_, state_.epoch);
    }
    const int64_t pair = order_[static_cast<size_t>(state_.document)];
    if (taken + pairs_.tokens(pair) > tokens) break;
    use(pair);
    taken += pairs_.tokens(pair);
    ++state_.document;
  }
  return taken;
}

}  // namespace maru::train
