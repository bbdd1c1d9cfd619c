// One line of a JSONL file of documents. Pure functions, thread-safe.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace maru::data {

struct DocumentLine {
  std::optional<std::string> text;  // none: too many of its bytes are not UTF-8
  int64_t replaced = 0;             // byte sequences that are not UTF-8, each now U+FFFD
};

/// The string in `text_field` of a line that is one JSON object. Of other fields only that they are JSON matters; the
/// text must not stand twice.
///
/// Types    `where`: file and line, for the errors, which say what was expected and what came: also for UTF-16, for
/// JSON
///          that runs over several lines, for arrays, and for NaN and Infinity.
Result<DocumentLine> read_document_line(std::string_view line, std::string_view where, const std::string& text_field,
                                        double max_replaced);

}  // namespace maru::data
