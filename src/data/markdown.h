// Markdown and reStructuredText to readable text. What is kept has the same small common form as extracted HTML
// (blocks.h): `# ` headings, `- ` and `1. ` items, ` | ` between cells, fenced code. Pure functions, thread-safe,
// linear.
#pragma once
#include <string>
#include <string_view>

namespace maru::data {

/// CommonMark with tables: front matter (its title becomes a heading if the body has none), comments, tags, link
/// targets, images, emphasis marks, anchors and template short codes go; text, inline code and fenced code stay.
std::string markdown_to_text(std::string_view markdown);

/// Directives that show nothing in reading order (images, raw HTML, tables of contents, comments, targets) go with
/// their bodies; other directives lose their first line, code becomes fenced, roles and links become their text.
std::string rst_to_text(std::string_view rst);

}  // namespace maru::data
