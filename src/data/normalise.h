// One spelling for every text: NFC, '\n' line ends, no invisible characters, no trailing or excessive blank space.
// Pure functions, thread-safe. Idempotent: normalising twice changes nothing.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace maru::data {

struct NormaliseChanges {
  int64_t composed = 0;    // 1 if the text was not in NFC
  int64_t control = 0;     // control and non-characters removed
  int64_t zero_width = 0;  // zero-width, soft-hyphen and direction marks removed
  int64_t spaces = 0;      // special spaces and line separators replaced
};

/// Types    UTF-8 in, UTF-8 out. Joiners that shape letters (ZWJ, ZWNJ), tabs and indentation stay.
/// Source   Unicode 15, UAX #15 (NFC); the characters are those of general category Cc, Zs, Zl, Zp and bidi controls.
std::string normalise(std::string_view text, NormaliseChanges* changes = nullptr);

}  // namespace maru::data
