// A page as a flat list of text blocks: what HTML, Mallard and DocBook become before the main text is chosen.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace maru::data {

enum class BlockKind : uint8_t { kParagraph, kHeading, kItem, kRow, kCode };

struct Block {
  BlockKind kind = BlockKind::kParagraph;
  int level = 0;            // of a heading: 1 to 6; of an item: depth of its list, from 1
  std::string marker;       // of an item: "- " or "3. "
  std::string text;         // one line, except for code and explicit line breaks
  double words = 0;         // see words_in
  double link_words = 0;    // those inside links
  int region = -1;          // the innermost one around it
  bool in_main = false;     // inside <main> or role="main"
  bool in_article = false;  // inside <article>
};

/// Why an element may be something else than the page's text.
enum class Suspicion : uint8_t {
  kLandmark,   // by its element or role: nav, footer, a header outside main, role="search"
  kAside,      // aside, role="complementary": notes inside an article, a side column outside
  kUnseen,     // aria-hidden
  kPlaceName,  // a class or id that names a place of a page's frame: footer, breadcrumbs
  kTopicName,  // one that may as well name what the text is about, or a box inside it: cookies, sidebar, toc
};

/// An element that may be something else than the page's text, with what it holds: regions inside it included.
struct Region {
  Suspicion suspicion = Suspicion::kLandmark;
  int parent = -1;  // the region around it
  bool in_main = false, in_article = false;
  bool holds_main = false, holds_heading = false, holds_controls = false;  // main or article; h1 to h6; buttons, inputs
  double words = 0, link_words = 0;
};

/// A page's blocks in reading order, before any choice is made.
struct MarkupPage {
  std::string title;
  std::vector<Block> blocks;
  std::vector<Region> regions;  // parents before children
  int64_t readings = 0;         // ruby annotations left out
  int64_t steps = 0;            // nodes and attributes looked at: the work that was done
};

/// Length of a text in words as density rules mean it, comparable between scripts: a Latin word counts 1, a character
/// of Han, Hangul or kana 0.4, of Thai and its neighbours 0.2 (a Korean translation of an English text then has about
/// as many "words" as the original).
double words_in(std::string_view text);

/// Readable text in a small common subset of Markdown: `# ` headings, `- ` and `1. ` items, ` | ` between cells, fenced
/// code, blank lines between blocks.
std::string render(const std::vector<Block>& blocks);

}  // namespace maru::data
