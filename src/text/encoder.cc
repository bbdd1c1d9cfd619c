#include "text/encoder.h"

#include <algorithm>
#include <cstring>

#include "text/normalizer.h"

namespace maru::text {
namespace {

/// Calls plain(section) for the text between matches and token(id) for each match, in order.
template <class Plain, class Token>
void each_section(const AddedTokenMatcher& matcher, std::string_view text, const Plain& plain, const Token& token) {
  size_t at = 0;
  while (!matcher.empty() && at < text.size()) {
    const AddedTokenMatcher::Match match = matcher.find(text, at);
    if (match.begin == std::string_view::npos) break;
    if (match.begin > at) plain(text.substr(at, match.begin - at));
    token(match.id);
    at = match.end;
  }
  if (at < text.size()) plain(text.substr(at));
}

bool touches(std::span<const ByteRange> ranges, size_t begin, size_t end) {
  const auto it = std::partition_point(ranges.begin(), ranges.end(), [&](const auto& r) { return r.end <= begin; });
  return it != ranges.end() && it->begin < end;
}

/// The first added token at or behind `from` that is not a special one within `input`.
AddedTokenMatcher::Match find_guarded(const Tokenizer& tokenizer, std::string_view text, size_t from,
                                      std::span<const ByteRange> input) {
  while (true) {
    const AddedTokenMatcher::Match any = tokenizer.matcher(false, true).find(text, from);
    if (any.begin == std::string_view::npos || !tokenizer.is_special(any.id) || !touches(input, any.begin, any.end))
      return any;
    const AddedTokenMatcher::Match plain = tokenizer.matcher(false, false).find(text.substr(0, any.end), from);
    if (plain.begin != std::string_view::npos) return plain;
    from = any.begin + 1;
  }
}

}  // namespace

Encoder::Encoder(const Tokenizer& tokenizer, size_t cache_bytes)
    : tokenizer_(tokenizer), scratch_(tokenizer.model().make_scratch()) {
  if (cache_bytes > 0) cache_.emplace(cache_bytes / sizeof(PieceCache::Line));
}

std::vector<int32_t> Encoder::encode(std::string_view text, const EncodeOptions& options) {
  std::vector<int32_t> ids;
  encode(text, options, ids);
  return ids;
}

void Encoder::encode(std::string_view text, const EncodeOptions& options, std::vector<int32_t>& ids) {
  const TokenizerSpec& spec = tokenizer_.spec();
  if (options.add_special_tokens) ids.insert(ids.end(), spec.prefix.begin(), spec.prefix.end());
  encode_raw(text, options.parse_special, ids);
  if (options.add_special_tokens) ids.insert(ids.end(), spec.suffix.begin(), spec.suffix.end());
}

void Encoder::encode_raw(std::string_view text, bool parse_special, std::vector<int32_t>& ids) {
  each_section(
      tokenizer_.matcher(false, parse_special), text,
      [&](std::string_view section) {
        const bool nfc = tokenizer_.spec().normalizer == Normalizer::kNfc;
        encode_normalized(nfc ? to_nfc(section, normalized_) : section, parse_special, ids);
      },
      [&](int32_t id) { ids.push_back(id); });
}

void Encoder::encode_guarded(std::string_view text, std::span<const ByteRange> input, std::vector<int32_t>& ids) {
  const auto section = [&](size_t begin, size_t end) {
    const std::string_view part = text.substr(begin, end - begin);
    const bool nfc = tokenizer_.spec().normalizer == Normalizer::kNfc;
    encode_normalized(nfc ? to_nfc(part, normalized_) : part, !touches(input, begin, end), ids);
  };
  size_t at = 0;
  while (at < text.size()) {
    const AddedTokenMatcher::Match match = find_guarded(tokenizer_, text, at, input);
    if (match.begin == std::string_view::npos) break;
    if (match.begin > at) section(at, match.begin);
    ids.push_back(match.id);
    at = match.end;
  }
  if (at < text.size()) section(at, text.size());
}

void Encoder::encode_normalized(std::string_view text, bool parse_special, std::vector<int32_t>& ids) {
  each_section(
      tokenizer_.matcher(true, parse_special), text, [&](std::string_view section) { encode_plain(section, ids); },
      [&](int32_t id) { ids.push_back(id); });
}

void Encoder::encode_plain(std::string_view text, std::vector<int32_t>& ids) {
  const char* const end = text.data() + text.size();
  num_pending_ = 0;  // an exception may have left something behind
  waiting_.piece = {};
  tokenizer_.pre_tokenizer().split(text, [&](std::string_view piece) { add_piece(piece, end, ids); });
  encode_waiting(ids);
  flush(ids);
}

void Encoder::add_piece(std::string_view piece, const char* text_end, std::vector<int32_t>& ids) {
  const bool cached = cache_ && piece.size() <= PieceCache::kMaxBytes;
  PieceCache::Key key{};
  if (cached) {
    key = PieceCache::key_of(piece, static_cast<size_t>(text_end - piece.data()));
    cache_->prefetch(key);
  }
  encode_waiting(ids);
  waiting_ = {piece, cached, key};
}

void Encoder::encode_waiting(std::vector<int32_t>& ids) {
  if (waiting_.piece.empty()) return;
  const PieceCache::Line* line = waiting_.cached ? cache_->find(waiting_.key) : nullptr;
  if (line == nullptr) return encode_new_piece(ids);
  if (num_pending_ + PieceCache::kMaxIds > pending_.size()) flush(ids);
  std::memcpy(&pending_[num_pending_], line->ids.data(), sizeof line->ids);  // all of them: a constant size is quicker
  num_pending_ += line->count;
}

void Encoder::encode_new_piece(std::vector<int32_t>& ids) {
  flush(ids);
  const size_t before = ids.size();
  tokenizer_.model().encode_piece(waiting_.piece, *scratch_, ids);
  const size_t count = ids.size() - before;
  if (waiting_.cached && count <= PieceCache::kMaxIds) cache_->insert(waiting_.key, ids.data() + before, count);
}

void Encoder::flush(std::vector<int32_t>& ids) {
  ids.insert(ids.end(), pending_.begin(), pending_.begin() + static_cast<ptrdiff_t>(num_pending_));
  num_pending_ = 0;
}

}  // namespace maru::text
