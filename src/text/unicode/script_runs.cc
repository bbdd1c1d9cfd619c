#include "text/unicode/script_runs.h"

#include <unicode/uscript.h>

#include "base/utf8.h"


namespace maru::text {
namespace {

constexpr UScriptCode kAny = USCRIPT_UNKNOWN;  // spaces and what no script claims

UScriptCode script_of(char32_t c) {
  if (c == ' ' || c >= kCodePoints) return kAny;
  if (c == 0x30FC) return USCRIPT_HAN;
  UErrorCode status = U_ZERO_ERROR;
  const UScriptCode script = uscript_getScript(static_cast<UChar32>(c), &status);
  return script == USCRIPT_HIRAGANA || script == USCRIPT_KATAKANA ? USCRIPT_HAN : script;
}

}  // namespace

void each_script_run(std::string_view text, PieceSink sink) {
  const char *begin = nullptr, *const end = text.data() + text.size();
  UScriptCode last = USCRIPT_INVALID_CODE;  // none yet
  for (const char* p = text.data(); p < end;) {
    const Decoded d = decode_utf8(p, end);
    const UScriptCode script = script_of(d.code_point);
    if (script != kAny && script != last) {
      if (begin != nullptr) sink({begin, static_cast<size_t>(p - begin)});
      begin = p;
      last = script;
    }
    p += d.length;
  }
  if (begin != nullptr) sink({begin, static_cast<size_t>(end - begin)});
}

}  // namespace maru::text
