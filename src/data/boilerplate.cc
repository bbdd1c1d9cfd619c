#include "data/boilerplate.h"

#include <algorithm>
#include <functional>

namespace maru::data {
namespace {

constexpr double kShortPage = 60;  // words: too few to be judged by their lengths

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

/// Decides of each suspicious region whether it goes.
class RegionJudge {
 public:
  explicit RegionJudge(const MarkupPage& page) : regions_(page.regions) {
    for (const Block& b : page.blocks) running_ += b.words - b.link_words;
  }

  std::vector<bool> gone() const {
    std::vector<bool> gone(regions_.size());
    for (size_t i = 0; i < regions_.size(); ++i) {
      const int parent = regions_[i].parent;
      gone[i] = (parent >= 0 && gone[static_cast<size_t>(parent)]) || goes(regions_[i]);
    }
    return gone;
  }

 private:
  bool goes(const Region& r) const {
    if (r.holds_main) return false;
    switch (r.suspicion) {
      case Suspicion::kLandmark: return !is_page(r, 0.6);
      case Suspicion::kUnseen: return !is_most(r, 0.5);
      case Suspicion::kAside: return is_inside(r) ? is_links(r) : !is_most(r, 0.5);
      case Suspicion::kPlaceName: return is_inside(r) ? looks_like_frame(r) : !is_page(r, 0.4);
      case Suspicion::kTopicName: return is_inside(r) ? looks_like_frame(r) : !is_most(r, 0.4) && !is_text(r);
    }
    return false;
  }

  static bool is_inside(const Region& r) { return r.in_main || r.in_article; }
  static bool is_links(const Region& r) { return r.link_words > 0.4 * r.words; }
  static bool looks_like_frame(const Region& r) { return is_links(r) || (r.words < 6 && !r.holds_heading); }
  // No form, few links, and a heading of its own or some sentences.
  static bool is_text(const Region& r) {
    return !r.holds_controls &&
           ((r.holds_heading && r.link_words <= 0.25 * r.words) || (r.words >= 30 && r.link_words <= 0.1 * r.words));
  }
  // Most of a page with a text: of an index the footer is most of what is not a link.
  bool is_page(const Region& r, double share) const { return r.words >= kShortPage && is_most(r, share); }
  bool is_most(const Region& r, double share) const { return r.words - r.link_words > share * running_; }

  const std::vector<Region>& regions_;
  double running_ = 0;  // words outside links of the whole page
};

// Believes the page's own marks. True if there were any.
bool apply_marks(MarkupPage& page) {
  const std::vector<bool> gone = RegionJudge(page).gone();
  std::vector<Block>& blocks = page.blocks;
  drop_if(blocks, [&](const Block& b) { return b.region >= 0 && gone[static_cast<size_t>(b.region)]; });
  bool marked = std::any_of(gone.begin(), gone.end(), [](bool is_gone) { return is_gone; });
  for (const auto inside : {&Block::in_main, &Block::in_article})
    if (share_of(blocks, [&](const Block& b) { return b.*inside; }) > 0.25) {
      drop_if(blocks, [&](const Block& b) { return !(b.*inside); });
      return true;
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

std::vector<Block> main_blocks(MarkupPage page) {
  const bool marked = apply_marks(page);
  std::vector<Block>& blocks = page.blocks;
  double words = 0;
  for (const Block& b : blocks) words += b.words;
  std::vector<bool> keep = marked || words < kShortPage ? keep_unless_links(blocks) : classify(blocks);
  if (std::find(keep.begin(), keep.end(), true) == keep.end()) keep = keep_unless_links(blocks);
  settle_headings(blocks, keep);
  std::vector<Block> kept;
  for (size_t i = 0; i < blocks.size(); ++i)
    if (keep[i]) kept.push_back(std::move(blocks[i]));
  return kept;
}

}  // namespace maru::data
