#include "train/answer_loader.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/map_guard.h"

namespace maru::train {
namespace {

std::string why_left_out(const AnswerForm& form, int64_t sequence_length) {
  if (form.whole)
    return fmt::format("sequence_length {} does not hold all of {}", sequence_length,
                       form.answers == 2 ? "both answers" : "the answer");
  return fmt::format("sequence_length {} holds no token of {}", sequence_length,
                     form.answers == 2 ? "one of the answers" : "the answer");
}

}  // namespace

AnswerSet::AnswerSet(const formats::TokenDataset& dataset, int64_t sequence_length, const AnswerForm& form,
                     const KnownLosses* known)
    : dataset_(dataset), sequence_length_(sequence_length), form_(form), known_(known) {
  if (dataset.num_documents() % form.answers != 0)
    throw Failure(ErrorCode::kDataLoss, fmt::format("pairs of answers: expected an even number of documents, got {}",
                                                    dataset.num_documents()));
  for (int64_t first = 0; first < dataset.num_documents(); first += form.answers) {
    Example example{first, 0};
    bool all = true;
    for (int64_t d = first; d < first + form.answers; ++d)
      all = all && has_answer(d), example.tokens += sequence_tokens(d);
    if (!all) continue;
    examples_.push_back(example);
    all_tokens_ += example.tokens;
  }
  check_mapped_files();
}

int64_t AnswerSet::sequence_tokens(int64_t document) const {
  return std::min(sequence_length_, dataset_.begin_of(document + 1) - dataset_.begin_of(document));
}

// The last token of a sequence has a target, too: the one behind it.
bool AnswerSet::has_answer(int64_t document) const {
  const formats::TokenDocument tokens = dataset_.document(document);
  if (form_.whole && tokens.tokens.size() > sequence_length_) return false;
  for (int64_t i = 1; i < std::min(tokens.tokens.size(), sequence_length_ + 1); ++i)
    if (tokens.mask[i]) return true;
  return false;
}

void AnswerSet::append(MicroBatch& batch, int64_t example, std::vector<int32_t>& scratch) const {
  const int64_t first = examples_[static_cast<size_t>(example)].document, counted = batch.counted + 1;
  const size_t first_row = batch.targets.size();
  for (int64_t d = first; d < first + form_.answers; ++d) {
    const formats::TokenDocument document = dataset_.document(d);
    append_document_piece(batch, document, 0, sequence_tokens(d), scratch);
    if (dataset_.has_values()) batch.values.push_back(document.value);
  }
  batch.counted = counted;
  if (known_ != nullptr) known_->append_to(batch, example, first_row);
}

AnswerLoader::AnswerLoader(const formats::TokenDataset& dataset, int64_t sequence_length, const AnswerForm& form,
                           uint64_t seed, LoaderState state, const KnownLosses* known)
    : examples_(dataset, sequence_length, form, known), sequence_length_(sequence_length), seed_(seed), state_(state) {
  if (examples_.size() == 0)
    throw Failure(ErrorCode::kInvalidArgument, fmt::format("nothing is left of {} {}: {}", examples_.left_out(),
                                                           form.words(), why_left_out(form, sequence_length)));
  if (state.document > examples_.size())
    throw Failure(ErrorCode::kDataLoss, "loader: the saved position lies outside the dataset");
  order_ = epoch_order(examples_.size(), seed_, state_.epoch);
}

void AnswerLoader::next(MicroBatch& batch, int64_t tokens) {
  batch.clear();
  for_examples(tokens, [&](int64_t example) { examples_.append(batch, example, piece_); });
  check_mapped_files();
}

int64_t AnswerLoader::skip(int64_t tokens) {
  return for_examples(tokens, [](int64_t) {});
}

std::string AnswerLoader::left_out() const {
  if (examples_.left_out() == 0) return "";
  return fmt::format("{} of {} {} left out: {}", examples_.left_out(), examples_.left_out() + examples_.size(),
                     examples_.form().words(), why_left_out(examples_.form(), sequence_length_));
}

template <class F>
int64_t AnswerLoader::for_examples(int64_t tokens, const F& use) {
  CHECK(tokens >= 2 * sequence_length_);
  const int64_t most_pieces = std::max<int64_t>(2, tokens / kMinMeanPiece), step = examples_.form().answers;
  int64_t taken = 0;
  for (int64_t pieces = step; pieces <= most_pieces; pieces += step) {
    if (state_.document == examples_.size()) {
      state_ = {.epoch = state_.epoch + 1, .document = 0, .offset = 0};
      order_ = epoch_order(examples_.size(), seed_, state_.epoch);
    }
    const int64_t example = order_[static_cast<size_t>(state_.document)];
    if (taken + examples_.tokens(example) > tokens) break;
    use(example);
    taken += examples_.tokens(example);
    ++state_.document;
  }
  return taken;
}

}  // namespace maru::train
