#include "train/text_loader.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json_node.h"
#include "base/map_guard.h"
#include "ledger/manifest.h"

namespace maru::train {
namespace {

constexpr JsonRange kTokens{.low = 0, .high = 0x7fffffff};

std::vector<int32_t> read_numbers(const JsonNode& node) {
  std::vector<int32_t> numbers;
  for (const JsonNode& one : node.elements()) numbers.push_back(static_cast<int32_t>(one.integer(kTokens)));
  return numbers;
}

std::vector<std::vector<int32_t>> read_lists(const JsonNode& node) {
  std::vector<std::vector<int32_t>> lists;
  for (const JsonNode& list : node.elements()) lists.push_back(read_numbers(list));
  return lists;
}

TextFrame read_frame(const JsonNode& node, size_t texts) {
  TextFrame frame{read_lists(node["pieces"]), read_lists(node["piece_types"]), read_numbers(node["types"])};
  if (frame.pieces.size() != texts + 1) node["pieces"].fail(fmt::format("{} lists of tokens", texts + 1));
  const auto alike = [](const auto& a, const auto& b) { return a.size() == b.size(); };
  if (!std::ranges::equal(frame.pieces, frame.piece_types, alike))
    node["piece_types"].fail("a type for each token of the pieces");
  if (frame.types.size() != texts) node["types"].fail(fmt::format("{} numbers", texts));
  return frame;
}

void append(std::vector<int32_t>& to, const std::vector<int32_t>& tokens) {
  to.insert(to.end(), tokens.begin(), tokens.end());
}

}  // namespace

int64_t TextFrame::tokens() const {
  int64_t count = 0;
  for (const std::vector<int32_t>& piece : pieces) count += std::ssize(piece);
  return count;
}

TextForm text_form(const fs::path& tokens) {
  const Json json = ledger::read_manifest(tokens).notes;
  const JsonNode notes(json, (tokens / ledger::kManifestName).string() + ": notes", ErrorCode::kDataLoss);
  return {.scored = notes["scored"].boolean(),
          .single = read_frame(notes["frame"], 1),
          .pair = read_frame(notes["pair_frame"], 2)};
}

std::array<int64_t, 2> fit_texts(int64_t first, int64_t second, int64_t room) {
  if (first + second <= room) return {first, second};
  const int64_t half = room / 2;
  if (first <= half) return {first, room - first};
  if (second <= half) return {room - second, second};
  return first > second ? std::array{room - half, half} : std::array{half, room - half};
}

int64_t most_sequences(int64_t tokens) { return std::max<int64_t>(2, tokens / kMinMeanPiece); }

TextSet::TextSet(const formats::TokenDataset& dataset, const TextForm& form, const TextShape& shape)
    : dataset_(dataset), form_(form), shape_(shape) {
  const int64_t least = shape.together ? form.pair.tokens() + 2 : form.single.tokens() + 1;
  if (shape.sequence_length < least)
    throw Failure(
        ErrorCode::kInvalidArgument,
        fmt::format("sequence_length {} has no room for a text: expected at least {}", shape.sequence_length, least));
  if (dataset.num_documents() > 0 && !dataset.has_values())
    throw Failure(ErrorCode::kDataLoss, "texts: it is not said which are queries and which are documents");
  for (int64_t at = 0; at < dataset.num_documents();) {
    const Example example = example_at(at);
    at += example.documents;
    if (shape.together && example.sequences < 2) {
      ++alone_;
      continue;
    }
    const bool fits =
        example.tokens <= shape.micro_batch_tokens && example.sequences <= most_sequences(shape.micro_batch_tokens);
    too_large_ += !fits;
    if (!fits) continue;
    examples_.push_back(example);
    all_tokens_ += example.tokens;
  }
  check_mapped_files();
}

// Of the example that begins there.
int64_t TextSet::documents_at(int64_t first) const {
  const auto role = [&](int64_t at) { return dataset_.document(at).value; };
  const auto is = [&](int64_t at, TextRole wanted) {
    return at < dataset_.num_documents() && role(at) == static_cast<double>(wanted);
  };
  const bool whole = form_.scored ? first + 1 < dataset_.num_documents() && role(first) == role(first + 1)
                                  : is(first, TextRole::kQuery) && is(first + 1, TextRole::kPositive);
  if (!whole)
    throw Failure(ErrorCode::kDataLoss,
                  fmt::format("texts: document {} does not begin {}", first,
                              form_.scored ? "two texts with one score" : "a query with a document"));
  int64_t end = first + 2;
  while (!form_.scored && is(end, TextRole::kNegative)) ++end;
  return end - first;
}

TextSet::Example TextSet::example_at(int64_t first) {
  const int64_t documents = documents_at(first);
  Example example{first, documents, shape_.together ? documents - 1 : documents, 0};
  for (int64_t i = shape_.together ? 1 : 0; i < documents; ++i) {
    const auto [query, text] = kept(shape_.together ? first : -1, first + i);
    example.tokens += query + text + (shape_.together ? form_.pair : form_.single).tokens();
    cut_ += text < length(first + i) || (shape_.together && query < length(first));
  }
  texts_ += example.sequences;
  return example;
}

// Tokens of a query, -1: there is none, and of a text that go into a sequence.
std::array<int64_t, 2> TextSet::kept(int64_t query, int64_t document) const {
  if (query < 0) return {0, std::min(length(document), shape_.sequence_length - form_.single.tokens())};
  return fit_texts(length(query), length(document), shape_.sequence_length - form_.pair.tokens());
}

std::string TextSet::left_out() const {
  std::string words;
  if (cut_ > 0)
    words = fmt::format("{} of {} {} are cut to sequence_length {}", cut_, texts_,
                        shape_.together ? "pairs of texts" : "texts", shape_.sequence_length);
  const int64_t all = size() + too_large_ + alone_;
  const auto add = [&](int64_t count, const std::string& why) {
    if (count > 0) words += fmt::format("{}{} of {} examples left out: {}", words.empty() ? "" : "; ", count, all, why);
  };
  add(too_large_, fmt::format("micro_batch_tokens {} does not hold all their texts", shape_.micro_batch_tokens));
  add(alone_, "they have no negative document, which a reranker tells the right one from");
  return words;
}

void TextSet::append_text(std::vector<int32_t>& tokens, int64_t document, int64_t count) const {
  const size_t before = tokens.size();
  tokens.resize(before + static_cast<size_t>(count));
  dataset_.document(document).tokens.subspan(0, count).copy_to(std::span(tokens).subspan(before));
}

void TextSet::append(MicroBatch& batch, int64_t index) const {
  const Example& example = examples_[static_cast<size_t>(index)];
  const TextFrame& frame = shape_.together ? form_.pair : form_.single;
  std::vector<int32_t> tokens;
  for (int64_t i = shape_.together ? 1 : 0; i < example.documents; ++i) {
    const int64_t document = example.document + i;
    const auto [query, text] = kept(shape_.together ? example.document : -1, document);
    tokens.clear();
    size_t piece = 0;
    const auto add_piece = [&] {
      train::append(tokens, frame.pieces[piece]);
      train::append(batch.types, frame.piece_types[piece++]);
    };
    const auto add_text = [&](int64_t of, int64_t count) {
      append_text(tokens, of, count);
      batch.types.insert(batch.types.end(), static_cast<size_t>(count), frame.types[piece - 1]);
      add_piece();
    };
    add_piece();
    if (shape_.together) add_text(example.document, query);
    add_text(document, text);
    batch.builder.add(tokens);
    batch.values.push_back(dataset_.document(document).value);
  }
  ++batch.counted;
}

TextLoader::TextLoader(const formats::TokenDataset& dataset, const TextForm& form, const TextShape& shape,
                       uint64_t seed, LoaderState state)
    : examples_(dataset, form, shape), most_tokens_(shape.micro_batch_tokens), seed_(seed), state_(state) {
  if (examples_.size() == 0)
    throw Failure(ErrorCode::kInvalidArgument, examples_.left_out().empty()
                                                   ? "there are no texts to learn from"
                                                   : "nothing is left to learn from: " + examples_.left_out());
  if (state.document > examples_.size())
    throw Failure(ErrorCode::kDataLoss, "loader: the saved position lies outside the dataset");
  order_ = epoch_order(examples_.size(), seed_, state_.epoch);
}

void TextLoader::next(MicroBatch& batch, int64_t tokens) {
  batch.clear();
  for_examples(tokens, [&](int64_t example) { examples_.append(batch, example); });
  check_mapped_files();
}

int64_t TextLoader::skip(int64_t tokens) {
  return for_examples(tokens, [](int64_t) {});
}

template <class F>
int64_t TextLoader::for_examples(int64_t tokens, const F& use) {
  CHECK(tokens == most_tokens_);
  const int64_t most = most_sequences(tokens);
  int64_t taken = 0;
  for (int64_t sequences = 0;;) {
    if (state_.document == examples_.size()) {
      state_ = {.epoch = state_.epoch + 1, .document = 0, .offset = 0};
      order_ = epoch_order(examples_.size(), seed_, state_.epoch);
    }
    const int64_t example = order_[static_cast<size_t>(state_.document)];
    sequences += examples_.sequences(example);
    if (sequences > most || taken + examples_.tokens(example) > tokens) return taken;
    use(example);
    taken += examples_.tokens(example);
    ++state_.document;
  }
}

}  // namespace maru::train
