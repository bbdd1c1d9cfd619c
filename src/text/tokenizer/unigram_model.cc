#include "text/tokenizer/unigram_model.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "base/utf8.h"

namespace maru::text {
namespace {

constexpr double kUnknownPenalty = 10;
constexpr double kMaxMagnitude = 100'000;  // SentencePiece begins again at 0 here, before floats become coarse
constexpr size_t kKeepNodes = 1 << 16;     // scratch above this is given back

}  // namespace

struct UnigramModel::Scratch final : SubwordScratch {
  std::vector<Node> nodes;
  std::vector<std::pair<uint32_t, int32_t>> path;  // ends and ids, last first
};

UnigramModel::UnigramModel(const UnigramSpec& spec, std::shared_ptr<const TokenTable> tokens)
    : tokens_(std::move(tokens)),
      scores_(spec.scores),
      user_defined_(spec.scores.size()),
      unk_(spec.unk_id),
      byte_fallback_(spec.byte_fallback),
      sentencepiece_(spec.sentencepiece) {
  if (byte_fallback_) byte_tokens_ = ByteTokens(*tokens_);
  std::vector<bool> unmatched(scores_.size());
  for (const int32_t id : spec.unmatched) unmatched[id] = true;
  for (const int32_t id : spec.user_defined) user_defined_[id] = true;
  double lowest = std::numeric_limits<double>::infinity();
  for (int32_t id = 0; id < static_cast<int32_t>(scores_.size()); ++id) {
    if (unmatched[id]) continue;
    if (!user_defined_[id]) lowest = std::min(lowest, scores_[id]);
    trie_.add(tokens_->bytes(id), id);
  }
  unknown_score_ = lowest - kUnknownPenalty;
  if (sentencepiece_) unknown_score_ = static_cast<float>(unknown_score_);
}

std::unique_ptr<SubwordScratch> UnigramModel::make_scratch() const { return std::make_unique<Scratch>(); }

double UnigramModel::score_of(int32_t id, size_t length) const {
  return user_defined_[id] ? static_cast<float>(0.1 * (static_cast<int>(length) - 1)) : scores_[id];
}

void UnigramModel::offer(Node& node, double score, size_t begin, int32_t id) const {
  if (sentencepiece_) score = static_cast<float>(score);
  if (node.begin != kNowhere && !(score > node.score)) return;
  node = {score, static_cast<uint32_t>(begin), id};
}

// Offers every token that begins at `from`, and the unknown token if none spells the one character here.
void UnigramModel::extend(std::string_view piece, size_t from, uint32_t length, std::vector<Node>& nodes,
                          size_t& frontier) const {
  const double here = nodes[from].score;
  bool spelled = false;
  uint32_t node = ByteTrie::kRoot;
  for (size_t i = from; i < piece.size() && (node = trie_.child(node, piece[i])) != ByteTrie::kNone; ++i) {
    const int32_t id = trie_.value(node);
    if (id < 0) continue;
    const size_t end = i + 1;
    frontier = std::max(frontier, end);
    offer(nodes[end], score_of(id, end - from) + here, from, id);
    spelled |= end - from == length;
  }
  if (spelled) return;
  if (!unk_) throw Failure(ErrorCode::kInvalidArgument, "a character that no token spells, and no unknown token");
  frontier = std::max(frontier, from + length);
  offer(nodes[from + length], unknown_score_ + here, from, *unk_);
}

void UnigramModel::rebase(std::vector<Node>& nodes, size_t from, size_t frontier) const {
  const double here = nodes[from].score;
  if (!sentencepiece_ || (here >= -kMaxMagnitude && here <= kMaxMagnitude)) return;
  for (size_t i = from; i <= std::max(from, frontier); ++i)
    if (nodes[i].begin != kNowhere || i == from) nodes[i].score = static_cast<float>(nodes[i].score - here);
}

void UnigramModel::encode_piece(std::string_view piece, SubwordScratch& scratch, std::vector<int32_t>& ids) const {
  if (piece.size() >= kNowhere)
    throw Failure(ErrorCode::kExhausted, "a text of " + std::to_string(piece.size()) + " bytes, expected below 4 GiB");
  Scratch& s = static_cast<Scratch&>(scratch);
  s.nodes.assign(piece.size() + 1, {0, kNowhere, -1});
  size_t frontier = 0;
  for (size_t at = 0; at < piece.size();) {
    rebase(s.nodes, at, frontier);
    const uint32_t length = decode_utf8(piece.data() + at, piece.data() + piece.size()).length;
    extend(piece, at, length, s.nodes, frontier);
    at += length;
  }
  append_path(piece, s, ids);
  if (s.nodes.size() > kKeepNodes) s.nodes = {}, s.path = {};
}

void UnigramModel::append_path(std::string_view piece, Scratch& scratch, std::vector<int32_t>& ids) const {
  scratch.path.clear();
  for (size_t end = piece.size(); end > 0; end = scratch.nodes[end].begin)
    scratch.path.emplace_back(static_cast<uint32_t>(end), scratch.nodes[end].id);
  size_t done = 0, unknown_end = 0;  // [done, unknown_end) is unknown
  for (auto it = scratch.path.rbegin(); it != scratch.path.rend(); ++it) {
    const auto [end, id] = *it;
    if (unk_ && id == *unk_) {
      unknown_end = end;
      continue;
    }
    if (unknown_end > done) append_unknown(piece.substr(done, unknown_end - done), ids);
    ids.push_back(id);
    done = unknown_end = end;
  }
  if (unknown_end > done) append_unknown(piece.substr(done, unknown_end - done), ids);
}

// Neighbouring unknown characters together may spell a token after all.
void UnigramModel::append_unknown(std::string_view text, std::vector<int32_t>& ids) const {
  if (!sentencepiece_)
    if (const auto id = tokens_->find(text); id && *id < static_cast<int32_t>(scores_.size()))
      return ids.push_back(*id);
  if (byte_fallback_ && byte_tokens_.append(text, ids)) return;
  ids.push_back(*unk_);
}

}  // namespace maru::text
