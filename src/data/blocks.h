// A page as a flat list of text blocks: what HTML, Mallard and DocBook become before the main text is chosen.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace maru::data {

enum class BlockKind : uint8_t { kParagraph, kHeading, kItem, kRow, kCode };

struct Block {
  BlockKind kind = BlockKind::kParagraph;
  int level = 0;          // of a heading: 1 to 6; of an item: depth of its list, from 1
  std::string marker;     // of an item: "- " or "3. "
  std::string text;       // one line, except for code and explicit line breaks
  double words = 0;       // see words_in
  double link_words = 0;  // those inside links
  bool outside = false;   // inside an element for navigation: nav, aside, footer, or a header outside main
  bool hinted = false;    // inside something whose class, id or role says navigation, menu, footer, …
  bool in_main = false;   // inside <main> or <article>
};

/// Length of a text in words as density rules mean it, comparable between scripts: a Latin word counts 1, a character
/// of Han, Hangul or kana 0.4, of Thai and its neighbours 0.2 (a Korean translation of an English text then has about
/// as many "words" as the original).
double words_in(std::string_view text);

/// Readable text in a small common subset of Markdown: `# ` headings, `- ` and `1. ` items, ` | ` between cells, fenced
/// code, blank lines between blocks.
std::string render(const std::vector<Block>& blocks);

}  // namespace maru::data
