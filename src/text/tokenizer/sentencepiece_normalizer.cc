// SentencePiece's own normaliser: from left to right, each place takes a user-defined piece as it is, else the longest
// key of the charsmap, else one character; spaces are squeezed and become U+2581, with one before (or behind) the text.
// Bytes that are not UTF-8 become U+FFFD, each by itself.
//
// Source   SentencePiece, normalizer::Normalizer::Normalize
#include "base/utf8.h"
#include "text/tokenizer/byte_trie.h"
#include "text/tokenizer/charsmap.h"
#include "text/tokenizer/normalizer.h"

namespace maru::text {
namespace {

constexpr std::string_view kReplacement = "\uFFFD";

class SentencePieceStep final : public Normalizer::Step {
 public:
  SentencePieceStep(const normalizers::SentencePiece& spec, Charsmap map)
      : map_(std::move(map)),
        space_(spec.escape_whitespaces ? "\u2581" : " "),
        squeeze_(spec.remove_extra_whitespaces),
        before_(spec.add_dummy_prefix && !spec.whitespace_as_suffix),
        behind_(spec.add_dummy_prefix && spec.whitespace_as_suffix) {
    for (const std::string& piece : spec.user_defined) user_defined_.add(piece, 0);
  }

  std::string_view apply(std::string_view text, std::string& storage, bool&) const override {
    storage.clear();
    if (squeeze_) text = without_leading_spaces(text);
    if (text.empty()) return {};
    if (before_) storage += space_;
    bool behind_space = squeeze_;
    while (!text.empty()) {
      auto [length, part] = next(text);
      while (behind_space && part.starts_with(' ')) part.remove_prefix(1);
      append(part, storage);
      if (!part.empty()) behind_space = squeeze_ && part.ends_with(' ');
      text.remove_prefix(length);
    }
    while (squeeze_ && storage.ends_with(space_)) storage.resize(storage.size() - space_.size());
    if (behind_) storage += space_;
    return storage;
  }

 private:
  struct Next {
    size_t length;  // bytes of the text
    std::string_view part;
  };
  Next next(std::string_view text) const {
    if (const size_t length = user_defined(text); length > 0) return {length, text.substr(0, length)};
    if (const Charsmap::Found found = map_.longest(text); found.length > 0) return {found.length, found.replacement};
    const Decoded d = decode_utf8(text.data(), text.data() + text.size());
    if (d.code_point == kInvalidCodePoint) return {1, kReplacement};
    return {d.length, text.substr(0, d.length)};
  }
  size_t user_defined(std::string_view text) const {
    size_t longest = 0;
    uint32_t node = ByteTrie::kRoot;
    for (size_t i = 0; i < text.size() && (node = user_defined_.child(node, text[i])) != ByteTrie::kNone; ++i)
      if (user_defined_.value(node) >= 0) longest = i + 1;
    return longest;
  }
  std::string_view without_leading_spaces(std::string_view text) const {
    while (!text.empty()) {
      const auto [length, part] = next(text);
      if (part != " ") break;
      text.remove_prefix(length);
    }
    return text;
  }
  void append(std::string_view part, std::string& to) const {
    for (const char c : part)
      if (c == ' ')
        to += space_;
      else
        to += c;
  }

  Charsmap map_;
  ByteTrie user_defined_;
  std::string space_;
  bool squeeze_, before_, behind_;
};

}  // namespace

Result<std::shared_ptr<const Normalizer::Step>> make_sentencepiece_step(const normalizers::SentencePiece& spec,
                                                                        const std::string& where) {
  Result<Charsmap> map = Charsmap::parse(spec.charsmap, where + ".precompiled_charsmap");
  if (!map.ok()) return map.error();
  return std::shared_ptr<const Normalizer::Step>(
      std::make_shared<const SentencePieceStep>(spec, std::move(map).value()));
}

}  // namespace maru::text
