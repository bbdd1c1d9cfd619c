// What a reader takes for one character: extended grapheme clusters.
#pragma once
#include <string_view>

#include "text/unicode/piece_sink.h"

namespace maru::text {

/// The clusters of `text` in order; bytes that are not UTF-8 are clusters of their own.
///
/// Source   Unicode 15, UAX #29 §3.1.1, rules GB3 to GB13
void each_grapheme(std::string_view text, PieceSink sink);

}  // namespace maru::text
