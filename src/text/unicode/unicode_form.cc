#include "text/unicode/unicode_form.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uniset.h>

#include "base/error.h"
#include "base/utf8.h"
#include "text/unicode/mark_runs.h"

namespace maru::text {
namespace {

using Form = NormalizationForm;

constexpr uint8_t kAge = 9;  // the version of Unicode

const icu::Normalizer2& instance(Form form) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* normalizer = nullptr;
  switch (form) {
    case Form::kNfc: normalizer = icu::Normalizer2::getNFCInstance(status); break;
    case Form::kNfd: normalizer = icu::Normalizer2::getNFDInstance(status); break;
    case Form::kNfkc: normalizer = icu::Normalizer2::getNFKCInstance(status); break;
    case Form::kNfkd: normalizer = icu::Normalizer2::getNFKDInstance(status); break;
  }
  if (U_FAILURE(status))
    throw Failure(ErrorCode::kInternal, std::string("ICU has no data for normalisation: ") + u_errorName(status));
  return *normalizer;
}

icu::UnicodeSet characters_of_unicode_9() {
  UErrorCode status = U_ZERO_ERROR;
  icu::UnicodeSet set(UNICODE_STRING_SIMPLE("[:age=9.0:]"), status);
  if (U_FAILURE(status))
    throw Failure(ErrorCode::kInternal, std::string("ICU has no data for ages: ") + u_errorName(status));
  set.freeze();
  return set;
}

icu::StringPiece piece_of(std::string_view text) { return {text.data(), static_cast<int32_t>(text.size())}; }

// Text that is UTF-8, at most 1 GiB.
void append_form(const icu::Normalizer2& normalizer, std::string_view text, std::string& to) {
  if (text.empty()) return;
  UErrorCode status = U_ZERO_ERROR;
  icu::StringByteSink<std::string> sink(&to);
  std::string sorted;
  normalizer.normalizeUTF8(0, piece_of(with_sorted_marks(text, sorted, kAge)), sink, nullptr, status);
  if (U_FAILURE(status))
    throw Failure(ErrorCode::kInternal, std::string("normalisation failed: ") + u_errorName(status));
}

// Everything below U+0300 is in NFC, everything below U+0080 in every form.
bool plainly_normalized(Form form, std::string_view text) {
  const uint8_t first = form == Form::kNfc ? 0xCC : 0x80;
  for (const char c : text)
    if (static_cast<uint8_t>(c) >= first) return false;
  return true;
}

}  // namespace

struct UnicodeForm::Tables {
  explicit Tables(Form form) : whole(instance(form)), set(characters_of_unicode_9()), filtered(whole, set) {}
  const icu::Normalizer2& whole;
  icu::UnicodeSet set;
  icu::FilteredNormalizer2 filtered;
};

UnicodeForm::UnicodeForm(Form form) : form_(form), tables_(std::make_shared<const Tables>(form)) {}

std::string_view UnicodeForm::apply(std::string_view text, std::string& storage) const {
  if (plainly_normalized(form_, text)) return text;
  if (text.size() > size_t{1} << 30)
    throw Failure(ErrorCode::kExhausted,
                  "normalisation of " + std::to_string(text.size()) + " bytes, expected at most 1 GiB");
  UErrorCode status = U_ZERO_ERROR;
  // The check sorts marks as normalising does.
  const bool sortable = with_sorted_marks(text, storage).data() != text.data();
  if (!sortable && is_valid_utf8(text) && tables_->whole.isNormalizedUTF8(piece_of(text), status)) return text;
  storage.clear();
  const char *begin = text.data(), *const end = text.data() + text.size();
  for (const char* p = begin; p < end;) {
    const Decoded d = decode_utf8(p, end);
    if (d.code_point == kInvalidCodePoint) {
      append_form(tables_->filtered, {begin, static_cast<size_t>(p - begin)}, storage);
      storage.append(p, d.length);
      begin = p + d.length;
    }
    p += d.length;
  }
  append_form(tables_->filtered, {begin, static_cast<size_t>(end - begin)}, storage);
  return storage;
}

}  // namespace maru::text
