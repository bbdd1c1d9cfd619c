#include "data/normalise.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>

#include "base/error.h"
#include "base/utf8.h"
#include "text/unicode/mark_runs.h"

namespace maru::data {
namespace {

enum class Fate : uint8_t { kKeep, kSpace, kNewline, kControl, kZeroWidth };

Fate fate_of_ascii(unsigned char c) {
  if (c == '\n' || c == '\t' || (c >= 0x20 && c < 0x7F)) return Fate::kKeep;
  return c == '\r' || c == '\v' || c == '\f' ? Fate::kNewline : Fate::kControl;
}

Fate fate_of(char32_t c) {
  if (c == 0x85 || c == 0x2028 || c == 0x2029) return Fate::kNewline;
  if (c < 0xA0 || (c & 0xFFFE) == 0xFFFE || (c >= 0xFDD0 && c <= 0xFDEF) || c == kInvalidCodePoint)
    return Fate::kControl;
  if (c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x202F || c == 0x205F || c == 0x3000)
    return Fate::kSpace;
  const bool direction = c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x206F);
  const bool invisible = c == 0xAD || c == 0x200B || (c >= 0x2060 && c <= 0x2064) || c == 0xFEFF || c == 0x180E;
  return direction || invisible ? Fate::kZeroWidth : Fate::kKeep;
}

// The lead bytes of all characters that fate_of does not keep; others are copied without decoding.
bool may_be_special(unsigned char lead) {
  return lead < 0x80 || lead == 0xC2 || lead == 0xE1 || lead == 0xE2 || lead == 0xE3 || lead >= 0xEF;
}

std::string compose(std::string_view text, NormaliseChanges& changes) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(status);
  CHECK(U_SUCCESS(status));
  std::string storage;  // before the check too, which sorts as normalising does
  const std::string_view sorted = text::with_sorted_marks(text, storage);
  const icu::StringPiece piece(sorted.data(), static_cast<int32_t>(sorted.size()));
  std::string composed;
  if (nfc->isNormalizedUTF8(piece, status) && U_SUCCESS(status)) {
    composed = sorted;
  } else {
    icu::StringByteSink<std::string> sink(&composed, piece.length());
    nfc->normalizeUTF8(0, piece, sink, nullptr, status);
    CHECK(U_SUCCESS(status));
  }
  changes.composed = composed != text;
  return composed;
}

/// Collects lines; trailing blanks of a line, leading and repeated blank lines do not arrive.
class LineSink {
 public:
  void put(std::string_view bytes) { line_ += bytes; }
  void newline() {
    while (!line_.empty() && (line_.back() == ' ' || line_.back() == '\t')) line_.pop_back();
    if (line_.empty()) {
      blank_ = true;
      return;
    }
    if (!text_.empty()) text_ += blank_ ? "\n\n" : "\n";
    text_ += line_;
    line_.clear();
    blank_ = false;
  }
  std::string finish() {
    newline();
    return std::move(text_);
  }

 private:
  std::string text_, line_;
  bool blank_ = false;
};

class Cleaner {
 public:
  explicit Cleaner(NormaliseChanges& changes) : changes_(changes) {}

  std::string clean(std::string_view text) {
    for (const char *p = text.data(), *end = p + text.size(); p < end;) p += step(p, end);
    return sink_.finish();
  }

 private:
  size_t step(const char* p, const char* end) {
    const auto lead = static_cast<unsigned char>(*p);
    if (!may_be_special(lead)) {
      const char* stop = p + 1;
      while (stop < end && !may_be_special(static_cast<unsigned char>(*stop))) ++stop;
      sink_.put({p, static_cast<size_t>(stop - p)});
      return static_cast<size_t>(stop - p);
    }
    if (lead == '\r' && p + 1 < end && p[1] == '\n') return 1;  // of "\r\n" only the '\n' counts
    if (lead == '\n') return sink_.newline(), 1;
    const Decoded d = decode_utf8(p, end);
    apply(lead < 0x80 ? fate_of_ascii(lead) : fate_of(d.code_point), {p, d.length});
    return d.length;
  }

  void apply(Fate fate, std::string_view bytes) {
    switch (fate) {
      case Fate::kKeep: return sink_.put(bytes);
      case Fate::kSpace: ++changes_.spaces; return sink_.put(" ");
      case Fate::kNewline: ++changes_.spaces; return sink_.newline();
      case Fate::kControl: ++changes_.control; return;
      case Fate::kZeroWidth: ++changes_.zero_width; return;
    }
  }

  NormaliseChanges& changes_;
  LineSink sink_;
};

}  // namespace

std::string normalise(std::string_view text, NormaliseChanges* changes) {
  NormaliseChanges local;
  CHECK(text.size() < (size_t{1} << 31));
  // Removing characters can bring a base and its mark together, so composing comes last.
  std::string cleaned = Cleaner(local).clean(text);
  cleaned = compose(cleaned, local);
  if (changes != nullptr) *changes = local;
  return cleaned;
}

}  // namespace maru::data
