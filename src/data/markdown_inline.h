// Inline marks of Markdown and reStructuredText. Pure functions, linear in the line.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace maru::data {

/// A paragraph's or heading's text without links, images, tags, emphasis and short codes. Code spans stay as they are.
/// `work`, if not null, is raised by the steps that it took.
std::string strip_markdown_inline(std::string_view line, uint64_t* work = nullptr);
/// The same for reStructuredText: roles, references and literals.
std::string strip_rst_inline(std::string_view line);

}  // namespace maru::data
