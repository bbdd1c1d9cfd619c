#include "data/boilerplate.h"

#include <algorithm>
#include <functional>

namespace maru::data {
namespace {

double link_density(const Block& b) { return b.words > 0 ? b.link_words / b.words : 0; }

double share_of(const std::vector<Block>& blocks, const std::function<bool(const Block&)>& which) {
  double all = 0, some = 0;
  for (const Block& b : blocks) {
    all += b.words;
    if (which(b)) some += b.words;
  }
  return all > 0 ? some / all : 0;
}

void drop_if(std::vector<Block>& blocks, const std::function<bool(const Block&)>& which) {
  blocks.erase(std::remove_if(blocks.begin(), blocks.end(), which), blocks.end());
}

double words_outside_links(const std::vector<Block>& blocks, bool hinted_only) {
  double words = 0;
  for (const Block& b : blocks)
    if (b.hinted || !hinted_only) words += b.words - b.link_words;
  return words;
}

// Names are for programs, and a "sidebar-layout" may hold the whole page: if much running text would go, and hardly
// any would stay, the names meant something else.
bool names_mislead(const std::vector<Block>& blocks) {
  const double hinted = words_outside_links(blocks, true);
  return hinted > 100 && hinted > 0.8 * words_outside_links(blocks, false);
}

// Believes the page's own marks. True if there were any.
bool apply_marks(std::vector<Block>& blocks) {
  const auto is_marked = [](const Block& b) { return b.outside || b.hinted; };
  bool marked = std::any_of(blocks.begin(), blocks.end(), is_marked);
  drop_if(blocks, [](const Block& b) { return b.outside; });
  if (!names_mislead(blocks)) drop_if(blocks, [](const Block& b) { return b.hinted; });
  if (share_of(blocks, [](const Block& b) { return b.in_main; }) > 0.25) {
    drop_if(blocks, [](const Block& b) { return !b.in_main; });
    marked = true;
  }
  return marked;
}

// A list of links, or a link standing alone, in a page that is otherwise believed.
std::vector<bool> keep_unless_links(const std::vector<Block>& blocks) {
  std::vector<bool> keep(blocks.size());
  for (size_t i = 0; i < blocks.size(); ++i)
    keep[i] = blocks[i].kind == BlockKind::kHeading || blocks[i].kind == BlockKind::kCode ||
              link_density(blocks[i]) <= 0.5 || (blocks[i].words > 15 && link_density(blocks[i]) <= 0.7);
  return keep;
}

// The published decision tree; `none` stands in for the missing neighbours at both ends.
bool is_content(const Block& previous, const Block& current, const Block& next) {
  if (link_density(current) > 0.333333) return false;
  if (link_density(previous) <= 0.555556) {
    if (current.words > 16 || next.words > 15) return true;
    return previous.words > 4;
  }
  return current.words > 40 || next.words > 17;
}

std::vector<bool> classify(const std::vector<Block>& blocks) {
  const Block none;
  std::vector<bool> keep(blocks.size());
  for (size_t i = 0; i < blocks.size(); ++i)
    keep[i] = is_content(i > 0 ? blocks[i - 1] : none, blocks[i], i + 1 < blocks.size() ? blocks[i + 1] : none);
  // Items, rows and code are often short: between two kept blocks they belong to the text.
  for (size_t i = 1; i + 1 < blocks.size(); ++i)
    if (blocks[i].kind != BlockKind::kParagraph && keep[i - 1] && link_density(blocks[i]) <= 0.333333) {
      const size_t limit = std::min(blocks.size(), i + 20);
      size_t next = i + 1;
      while (next < limit && !keep[next]) ++next;
      if (next < limit) keep[i] = true;
    }
  return keep;
}

// A heading stays if text of its own section stays; then it is not boilerplate whatever its length.
void settle_headings(const std::vector<Block>& blocks, std::vector<bool>& keep) {
  int reached = 7;  // the deepest heading level that the text behind can still belong to; 7: no text yet
  bool text_behind = false;
  for (size_t i = blocks.size(); i-- > 0;) {
    if (blocks[i].kind != BlockKind::kHeading) {
      text_behind |= keep[i];
      if (keep[i]) reached = 7;
      continue;
    }
    keep[i] = text_behind && blocks[i].level < reached;
    if (keep[i]) reached = blocks[i].level;
  }
  const auto first =
      std::find_if(blocks.begin(), blocks.end(), [](const Block& b) { return b.kind == BlockKind::kHeading; });
  if (first != blocks.end() && text_behind) keep[static_cast<size_t>(first - blocks.begin())] = true;  // the title
}

}  // namespace

std::vector<Block> main_blocks(std::vector<Block> blocks) {
  const bool marked = apply_marks(blocks);
  std::vector<bool> keep = marked ? keep_unless_links(blocks) : classify(blocks);
  settle_headings(blocks, keep);
  std::vector<Block> kept;
  for (size_t i = 0; i < blocks.size(); ++i)
    if (keep[i]) kept.push_back(std::move(blocks[i]));
  return kept;
}

}  // namespace maru::data
