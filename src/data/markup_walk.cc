#include "data/markup_walk.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "data/ascii.h"
#include "data/markup_hints.h"
#include "data/markup_roles.h"

namespace maru::data {
namespace {

constexpr size_t kSignBytes = 32;  // of the longest text that may be only a sign

std::string_view view(const xmlChar* text) {
  return text == nullptr ? std::string_view() : std::string_view(reinterpret_cast<const char*>(text));
}

// The attributes that say anything here.
struct Attributes {
  std::string_view classes, id, role, style, href;
  bool hidden = false, unseen = false, shadow = false;
};

/// Walks the tree once and cuts it into blocks. What surrounds the current node is kept in `Surroundings`, which each
/// element changes for its children and puts back.
class BlockBuilder {
 public:
  BlockBuilder(bool xml, MarkupPage& page) : xml_(xml), page_(page) {}

  void build(const xmlNode* root) {
    visit_children(root);
    flush();
    sum_regions();
  }

 private:
  struct Surroundings {
    bool in_main = false, in_article = false, in_quote = false, in_code = false, in_link = false, in_row = false;
    bool invisible = false;
    int region = -1;
    int list_depth = 0, section_depth = 0, heading = 0;
    int64_t* counter = nullptr;  // of the innermost numbered list
  };

  void visit_children(const xmlNode* node) {
    for (const xmlNode* child = node->children; child != nullptr; child = child->next) visit(child);
  }

  void visit(const xmlNode* node) {
    ++page_.steps;
    if (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE) return add_text(view(node->content));
    if (node->type != XML_ELEMENT_NODE) return;
    const std::string_view name = view(node->name);
    if (name == "title" && !xml_ && page_.title.empty()) page_.title = flat_text(node);
    const Surroundings outside = now_;
    const Attributes attributes = xml_ ? Attributes{} : attributes_of(node);
    MarkupRole role = markup_role(name, xml_);
    if (attributes.shadow && name == "template") role = MarkupRole::kBlock;
    if (!is_left_out(node, role, attributes)) {
      if (!xml_) enter_region(name, role, attributes);
      visit_element(node, role);
    }
    now_ = outside;
  }

  Attributes attributes_of(const xmlNode* node) {
    Attributes all;
    for (const xmlAttr* a = node->properties; a != nullptr; a = a->next) {
      ++page_.steps;
      const std::string_view name = view(a->name);
      const std::string_view value = a->children == nullptr ? std::string_view() : view(a->children->content);
      if (name == "class") all.classes = value;
      if (name == "id") all.id = value;
      if (name == "role") all.role = value;
      if (name == "style") all.style = value;
      if (name == "href") all.href = value;
      if (name == "hidden") all.hidden = lowered(value) != "until-found";  // that opens when it is searched for
      if (name == "aria-hidden") all.unseen = lowered(value) == "true";
      if (name == "shadowrootmode") all.shadow = true;
    }
    return all;
  }

  // What nobody sees, and links that only serve work on the page. A page that is hidden whole waits for its script.
  bool is_left_out(const xmlNode* node, MarkupRole role, const Attributes& a) {
    if (role == MarkupRole::kMain || view(node->name) == "body" || view(node->name) == "html") return false;
    const Visibility visibility = visibility_of_style(a.style);
    if (visibility == Visibility::kHidden) now_.invisible = true;
    if (visibility == Visibility::kShown) now_.invisible = false;
    if (a.hidden || visibility == Visibility::kNotDisplayed) return true;
    const bool small = role == MarkupRole::kInline || role == MarkupRole::kLink;
    if (a.unseen && small) return true;
    if (role == MarkupRole::kLink && !a.href.empty() && is_permalink(a.href, text_of(node))) return true;
    return small && hint_of_names(a.classes) == NameHint::kService;
  }

  // The text of the few nodes of a link, as far as it can be a sign.
  std::string text_of(const xmlNode* node) {
    std::string text;
    for (const xmlNode* child = node->children; child != nullptr && text.size() <= kSignBytes; child = child->next) {
      ++page_.steps;
      if (child->type == XML_TEXT_NODE) text += view(child->content).substr(0, kSignBytes + 1);
      if (child->type == XML_ELEMENT_NODE) text += text_of(child);
    }
    return text;
  }

  void enter_region(std::string_view name, MarkupRole role, const Attributes& a) {
    const bool main = role == MarkupRole::kMain || a.role == "main";
    now_.in_main |= main;
    now_.in_article |= role == MarkupRole::kArticle;
    now_.in_quote |= name == "blockquote";
    if (role == MarkupRole::kControl) mark_around(&Region::holds_controls);
    if (role == MarkupRole::kHeading) mark_around(&Region::holds_heading);
    if (main) return mark_around(&Region::holds_main);
    if (role == MarkupRole::kArticle || name == "body" || name == "html" || role == MarkupRole::kInline ||
        role == MarkupRole::kHeading)
      return;
    if (const auto suspicion = suspicion_of(role, a)) {
      page_.regions.push_back({*suspicion, now_.region, now_.in_main, now_.in_article});
      now_.region = static_cast<int>(page_.regions.size()) - 1;
    }
  }

  void mark_around(bool Region::*what) {
    for (int i = now_.region; i >= 0; i = page_.regions[static_cast<size_t>(i)].parent) {
      bool& marked = page_.regions[static_cast<size_t>(i)].*what;
      if (marked) return;  // and so are those around it
      ++page_.steps;
      marked = true;
    }
  }

  std::optional<Suspicion> suspicion_of(MarkupRole role, const Attributes& a) const {
    const bool inside = now_.in_main || now_.in_article;
    if (is_navigation_role(a.role) || (role == MarkupRole::kHeader && !inside) ||
        (role == MarkupRole::kNavigation && !now_.in_quote))
      return Suspicion::kLandmark;
    if (a.unseen) return Suspicion::kUnseen;
    if (role == MarkupRole::kAside || a.role == "complementary") return Suspicion::kAside;
    // Ids of what can be linked to are made of its title.
    const bool frame = role == MarkupRole::kBlock || role == MarkupRole::kBulletList || role == MarkupRole::kTable;
    const NameHint hint = std::max(hint_of_names(a.classes), frame ? hint_of_names(a.id) : NameHint::kNone);
    if (hint == NameHint::kTopic) return Suspicion::kTopicName;
    if (hint == NameHint::kNone) return std::nullopt;
    return Suspicion::kPlaceName;
  }

  // Children come behind their parents.
  void sum_regions() {
    const auto at = [this](int i) -> Region& { return page_.regions[static_cast<size_t>(i)]; };
    for (const Block& b : page_.blocks)
      if (b.region >= 0) at(b.region).words += b.words, at(b.region).link_words += b.link_words;
    for (int i = static_cast<int>(page_.regions.size()); i-- > 0;)
      if (const int parent = at(i).parent; parent >= 0)
        at(parent).words += at(i).words, at(parent).link_words += at(i).link_words;
  }

  void visit_element(const xmlNode* node, MarkupRole role) {
    switch (role) {
      case MarkupRole::kInline: return visit_children(node);
      case MarkupRole::kSkip: return visit_skipped(node);
      case MarkupRole::kControl: return;
      case MarkupRole::kReading: ++page_.readings; return;
      case MarkupRole::kHeading: return visit_heading(node, view(node->name)[1] - '0');
      case MarkupRole::kTitle: return visit_title(node);
      case MarkupRole::kSection: ++now_.section_depth; return visit_block(node);
      case MarkupRole::kBulletList: return visit_list(node, false);
      case MarkupRole::kNumberList: return visit_list(node, true);
      case MarkupRole::kItem: return visit_item(node);
      case MarkupRole::kRow: return visit_row(node);
      case MarkupRole::kCell: return visit_cell(node);
      case MarkupRole::kPreformatted: now_.in_code = !now_.in_row; return visit_block(node);
      case MarkupRole::kLineBreak: return add_line_break();
      case MarkupRole::kLink: now_.in_link = true; return visit_children(node);
      case MarkupRole::kNavigation:
      case MarkupRole::kAside:
      case MarkupRole::kHeader:
      case MarkupRole::kMain:
      case MarkupRole::kArticle:
      case MarkupRole::kTable:
      case MarkupRole::kBlock: return visit_block(node);
    }
  }

  // <head> holds the title; DocBook's and Mallard's info hold nothing that is read.
  void visit_skipped(const xmlNode* node) {
    if (xml_ || view(node->name) != "head") return;
    for (const xmlNode* child = node->children; child != nullptr; child = child->next)
      if (view(child->name) == "title" && page_.title.empty()) page_.title = flat_text(child);
  }

  void visit_block(const xmlNode* node) {
    boundary();
    visit_children(node);
    boundary();
  }

  void visit_heading(const xmlNode* node, int level) {
    if (!now_.in_row) now_.heading = level;
    visit_block(node);
  }

  // The title of a note, a figure or a list is a line of text; only sections have headings.
  void visit_title(const xmlNode* node) {
    const bool of_section = markup_role(view(node->parent->name), true) == MarkupRole::kSection;
    return of_section ? visit_heading(node, std::clamp(now_.section_depth, 1, 6)) : visit_block(node);
  }

  void visit_list(const xmlNode* node, bool numbered) {
    int64_t counter = 0;
    ++now_.list_depth;
    now_.counter = numbered ? &counter : nullptr;
    visit_block(node);
  }

  void visit_item(const xmlNode* node) {
    boundary();
    marker_ = now_.counter != nullptr ? std::to_string(++*now_.counter) + ". " : "- ";
    marker_depth_ = std::max(1, now_.list_depth);
    visit_children(node);
    boundary();
    marker_.clear();
  }

  // Cells of a data table are joined; a table that only arranges the page is read like any other block.
  void visit_row(const xmlNode* node) {
    if (now_.in_row || !is_data_row(node)) return visit_block(node);
    boundary();
    now_.in_row = true;
    visit_children(node);
    for (trim(); text_.ends_with(" |"); trim()) text_.resize(text_.size() - 2);  // empty cells at the end
    flush();
  }

  void visit_cell(const xmlNode* node) {
    if (!now_.in_row) return visit_block(node);
    trim();
    if (!text_.empty()) add_space();
    const size_t before = text_.size();
    visit_children(node);
    trim();
    if (text_.size() > before || before > 0) text_ += " |";
    add_space();
  }

  bool is_data_row(const xmlNode* node) {
    for (const xmlNode* child = node->children; child != nullptr; child = child->next) {
      ++page_.steps;
      if (child->type != XML_ELEMENT_NODE) continue;
      const std::string_view name = view(child->name);
      for (const std::string_view block : {"table", "h1", "h2", "h3", "h4", "ul", "ol", "dl", "pre", "list", "screen",
                                           "itemizedlist", "orderedlist", "article", "section", "form"})
        if (name == block) return false;
      if (!is_data_row(child)) return false;
    }
    return true;
  }

  void add_text(std::string_view text) {
    if (now_.invisible) return;
    if (now_.in_code) {
      text_ += text;
      return;
    }
    const size_t before = text_.size();
    for (const char c : text) {
      if (is_blank(c))
        add_space();
      else
        text_ += c;
    }
    if (now_.in_link) link_words_ += words_in(std::string_view(text_).substr(std::min(before, text_.size())));
  }

  void add_space() {
    if (!text_.empty() && text_.back() != ' ' && text_.back() != '\n') text_ += ' ';
  }

  void add_line_break() {
    if (now_.in_row) return add_space();
    if (!now_.in_code) trim();
    if (!text_.empty()) text_ += '\n';
  }

  void trim() {
    while (!text_.empty() && is_blank(text_.back())) text_.pop_back();
  }

  void boundary() {
    if (now_.in_row)
      add_space();
    else
      flush();
  }

  void flush() {
    trim();
    if (now_.in_code) text_.erase(0, std::min(text_.find_first_not_of("\r\n"), text_.size()));
    if (!text_.empty()) page_.blocks.push_back(make_block());
    text_.clear();
    link_words_ = 0;
  }

  Block make_block() {
    Block block;
    block.kind = kind();
    block.level = now_.heading;
    if (block.kind == BlockKind::kItem) {
      block.marker = std::exchange(marker_, "");
      block.level = marker_depth_;
    }
    block.words = words_in(text_);
    block.link_words = link_words_;
    block.region = now_.region;
    block.in_main = now_.in_main;
    block.in_article = now_.in_article;
    block.text = std::move(text_);
    if (block.kind == BlockKind::kHeading) std::replace(block.text.begin(), block.text.end(), '\n', ' ');
    return block;
  }

  BlockKind kind() const {
    if (now_.heading > 0) return BlockKind::kHeading;
    if (now_.in_code) return BlockKind::kCode;
    if (now_.in_row) return BlockKind::kRow;
    return marker_.empty() ? BlockKind::kParagraph : BlockKind::kItem;
  }

  static std::string flat_text(const xmlNode* node) {
    MarkupPage page;
    BlockBuilder builder(true, page);
    builder.build(node);
    return page.blocks.empty() ? "" : page.blocks[0].text;
  }

  const bool xml_;
  MarkupPage& page_;
  Surroundings now_;
  std::string text_, marker_;
  int marker_depth_ = 1;
  double link_words_ = 0;
};

}  // namespace

MarkupPage blocks_of(const xmlNode* root, bool xml) {
  MarkupPage page;
  BlockBuilder(xml, page).build(root);
  return page;
}

}  // namespace maru::data
