#include "text/tokenizer/encoder.h"

#include <algorithm>
#include <cstring>

namespace maru::text {
namespace {

/// Calls plain(section) for the text between matches and token(id) for each match, in order.
template <class Plain, class Token>
void each_section(const AddedTokenMatcher& matcher, std::string_view text, const Plain& plain, const Token& token) {
  size_t at = 0, scan = 0;
  while (!matcher.empty() && scan < text.size()) {
    const AddedTokenMatcher::Match match = matcher.find_cut(text, at, scan);
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

/// The first added token at or behind `from` that is not a special one within `input`; `scan` as in find_cut.
AddedTokenMatcher::Match find_guarded(const Tokenizer& tokenizer, std::string_view text, size_t from, size_t& scan,
                                      std::span<const ByteRange> input) {
  while (true) {
    const size_t first = scan;
    const AddedTokenMatcher::Match any = tokenizer.matcher(false, true).find_cut(text, from, scan);
    if (any.begin == std::string_view::npos || !tokenizer.is_special(any.id)) return any;
    const size_t end = scan, begin = end - tokenizer.spelling_of(any.id).size();
    if (!touches(input, begin, end)) return any;
    scan = first;
    const AddedTokenMatcher::Match plain = tokenizer.matcher(false, false).find_cut(text.substr(0, end), from, scan);
    if (plain.begin != std::string_view::npos) return plain;
    scan = begin + 1;
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
  for (const Wrapping::Part& part : tokenizer_.wrapping().single)
    if (part.sequence >= 0)
      encode_raw(text, options.parse_special, ids);
    else if (options.add_special_tokens)
      ids.insert(ids.end(), part.ids.begin(), part.ids.end());
}

void Encoder::encode_pair(std::string_view first, std::string_view second, const EncodeOptions& options, Encoding& to) {
  for (const Wrapping::Part& part : tokenizer_.wrapping().pair) {
    if (part.sequence >= 0)
      encode_raw(part.sequence == 0 ? first : second, options.parse_special, to.ids);
    else if (options.add_special_tokens)
      to.ids.insert(to.ids.end(), part.ids.begin(), part.ids.end());
    to.type_ids.resize(to.ids.size(), part.type_id);
  }
}

void Encoder::encode_raw(std::string_view text, bool parse_special, std::vector<int32_t>& ids) {
  each_section(
      tokenizer_.matcher(false, parse_special), text,
      [&](std::string_view part) {
        encode_section({part, part.data() == text.data()}, parse_special, ids);
      },
      [&](int32_t id) { ids.push_back(id); });
}

void Encoder::encode_guarded(std::string_view text, std::span<const ByteRange> input, std::vector<int32_t>& ids) {
  const auto section = [&](size_t begin, size_t end) {
    encode_section({text.substr(begin, end - begin), begin == 0}, !touches(input, begin, end), ids);
  };
  size_t at = 0, scan = 0;
  while (scan < text.size()) {
    const AddedTokenMatcher::Match match = find_guarded(tokenizer_, text, at, scan, input);
    if (match.begin == std::string_view::npos) break;
    if (match.begin > at) section(at, match.begin);
    ids.push_back(match.id);
    at = match.end;
  }
  if (at < text.size()) section(at, text.size());
}

void Encoder::encode_section(Section section, bool parse_special, std::vector<int32_t>& ids) {
  section.text = tokenizer_.normalizer().apply(section.text, normalizer_scratch_, section.at_start);
  encode_normalized(section, parse_special, ids);
}

void Encoder::encode_normalized(Section section, bool parse_special, std::vector<int32_t>& ids) {
  each_section(
      tokenizer_.matcher(true, parse_special), section.text,
      [&](std::string_view part) {
        encode_plain({part, section.at_start && part.data() == section.text.data()}, ids);
      },
      [&](int32_t id) { ids.push_back(id); });
}

void Encoder::encode_plain(Section section, std::vector<int32_t>& ids) {
  const char* const end = section.text.data() + section.text.size();
  num_pending_ = 0;  // an exception may have left something behind
  waiting_.piece = {};
  const PreTokenizer& pre_tokenizer = tokenizer_.pre_tokenizer();
  if (pre_tokenizer.in_place()) {
    pre_tokenizer.split(section.text, [&](std::string_view piece) { add_piece(piece, end, ids); });
    encode_waiting(ids);
  } else {
    pre_tokenizer.split(section, pre_tokenizer_scratch_, [&](std::string_view piece) {
      add_piece(piece, piece.data() + piece.size(), ids);
      encode_waiting(ids);  // the piece may lie in a buffer that the next one takes
      waiting_.piece = {};
    });
  }
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
