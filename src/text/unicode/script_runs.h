// Runs of one script, as SentencePiece's trainer and Hugging Face's UnicodeScripts cut them: both kana count as Han,
// and spaces belong to the script before them.
#pragma once
#include <string_view>

#include "text/unicode/piece_sink.h"

namespace maru::text {

/// The runs of `text` in order; together they are the text from its first character of any script on.
///
/// Source   tokenizers, pre_tokenizers/unicode_scripts
void each_script_run(std::string_view text, PieceSink sink);

}  // namespace maru::text
