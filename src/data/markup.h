// HTML, Mallard and DocBook to main text, through libxml2's recovering parsers. Hostile pages are harmless: attributes
// are limited in front of the parser (markup_bounds.h) and nesting by it (256), nothing is fetched, no entity is
// declared, and time is linear in the page. Pure functions, thread-safe.
#pragma once
#include <string>
#include <string_view>

#include "base/error.h"
#include "data/blocks.h"

namespace maru::data {

struct ExtractedText {
  std::string title;       // of the page, e.g. of <title>
  std::string text;        // empty when the page has no main text
  int64_t readings = 0;    // of ruby, left out
  int64_t attributes = 0;  // beyond the 256th of an element, left out
  int64_t zeros = 0;       // zero bytes, left out
  int64_t steps = 0;       // bytes, nodes and attributes looked at: the work that was done
};

/// The page without navigation, menus and footers, as readable text: headings, lists, tables and code are kept.
///
/// Types    UTF-8.
/// Throws   nothing; kInvalidArgument as a Result when nesting exceeds the limit or the parser finds no document.
Result<ExtractedText> extract_html(std::string_view html);
/// Mallard pages and DocBook; other XML gives its text as one paragraph per element known as a block.
Result<ExtractedText> extract_xml(std::string_view xml);

}  // namespace maru::data
