#include "text/encoder.h"

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

void Encoder::encode_normalized(std::string_view text, bool parse_special, std::vector<int32_t>& ids) {
  each_section(
      tokenizer_.matcher(true, parse_special), text, [&](std::string_view section) { encode_plain(section, ids); },
      [&](int32_t id) { ids.push_back(id); });
}

void Encoder::encode_plain(std::string_view text, std::vector<int32_t>& ids) {
  const char* const end = text.data() + text.size();
  tokenizer_.pre_tokenizer().split(text, [&](std::string_view piece) { encode_piece(piece, end, ids); });
}

void Encoder::encode_piece(std::string_view piece, const char* text_end, std::vector<int32_t>& ids) {
  if (!cache_ || piece.size() > PieceCache::kMaxBytes) return tokenizer_.model().encode_piece(piece, *scratch_, ids);
  const auto key = PieceCache::key_of(piece, static_cast<size_t>(text_end - piece.data()));
  if (const PieceCache::Line* line = cache_->find(key)) {
    ids.insert(ids.end(), line->ids.begin(), line->ids.begin() + line->count);
    return;
  }
  const size_t before = ids.size();
  tokenizer_.model().encode_piece(piece, *scratch_, ids);
  if (const size_t count = ids.size() - before; count <= PieceCache::kMaxIds)
    cache_->insert(key, ids.data() + before, count);
}

}  // namespace maru::text
