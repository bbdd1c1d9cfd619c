#include "data/markup.h"

#include <libxml/HTMLparser.h>
#include <libxml/parser.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "data/boilerplate.h"
#include "data/markup_roles.h"

namespace maru::data {
namespace {

constexpr size_t kMaxPageBytes = std::numeric_limits<int>::max() / 2;

std::string_view view(const xmlChar* text) {
  return text == nullptr ? std::string_view() : std::string_view(reinterpret_cast<const char*>(text));
}

std::string_view attribute(const xmlNode* node, std::string_view name) {
  for (const xmlAttr* a = node->properties; a != nullptr; a = a->next)
    if (view(a->name) == name && a->children != nullptr) return view(a->children->content);
  return {};
}

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f'; }

/// Walks the tree once and cuts it into blocks. What surrounds the current node is kept in `Surroundings`, which each
/// element changes for its children and puts back.
class BlockBuilder {
 public:
  BlockBuilder(bool xml, MarkupPage& page) : xml_(xml), page_(page) {}

  void build(const xmlNode* root) {
    visit_children(root);
    flush();
  }

 private:
  struct Surroundings {
    bool outside = false, hinted = false, in_main = false, in_code = false, in_link = false, in_row = false;
    int list_depth = 0, section_depth = 0, heading = 0;
    int64_t* counter = nullptr;  // of the innermost numbered list
  };

  void visit_children(const xmlNode* node) {
    for (const xmlNode* child = node->children; child != nullptr; child = child->next) visit(child);
  }

  void visit(const xmlNode* node) {
    if (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE) return add_text(view(node->content));
    if (node->type != XML_ELEMENT_NODE) return;
    if (view(node->name) == "title" && !xml_ && page_.title.empty()) page_.title = flat_text(node);
    if (is_hidden(node)) return;
    const Surroundings outside = now_;
    if (!xml_ && is_hinted(node)) now_.hinted = true;
    visit_element(node, markup_role(view(node->name), xml_));
    now_ = outside;
  }

  void visit_element(const xmlNode* node, MarkupRole role) {
    switch (role) {
      case MarkupRole::kInline: return visit_children(node);
      case MarkupRole::kSkip: return visit_skipped(node);
      case MarkupRole::kNavigation: now_.outside = true; return visit_block(node);
      case MarkupRole::kHeader: now_.outside |= !now_.in_main; return visit_block(node);
      case MarkupRole::kMain: now_.in_main = true; return visit_block(node);
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

  static bool is_data_row(const xmlNode* node) {
    for (const xmlNode* child = node->children; child != nullptr; child = child->next) {
      if (child->type != XML_ELEMENT_NODE) continue;
      const std::string_view name = view(child->name);
      for (const std::string_view block : {"table", "h1", "h2", "h3", "h4", "ul", "ol", "dl", "pre", "list", "screen",
                                           "itemizedlist", "orderedlist", "article", "section", "form"})
        if (name == block) return false;
      if (!is_data_row(child)) return false;
    }
    return true;
  }

  bool is_hidden(const xmlNode* node) const {
    if (xml_) return false;
    return attribute(node, "aria-hidden") == "true" || has_attribute(node, "hidden") ||
           attribute(node, "style").find("display:none") != std::string_view::npos;
  }

  static bool has_attribute(const xmlNode* node, std::string_view name) {
    for (const xmlAttr* a = node->properties; a != nullptr; a = a->next)
      if (view(a->name) == name) return true;
    return false;
  }

  static bool is_hinted(const xmlNode* node) {
    const std::string_view name = view(node->name);
    if (name == "body" || name == "html") return false;  // there a name describes the layout of the page
    return names_boilerplate(attribute(node, "class")) || names_boilerplate(attribute(node, "id")) ||
           is_landmark_outside_main(attribute(node, "role"));
  }

  void add_text(std::string_view text) {
    if (now_.in_code) {
      text_ += text;
      return;
    }
    const size_t before = text_.size();
    for (const char c : text) {
      if (is_space(c))
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
    while (!text_.empty() && is_space(text_.back())) text_.pop_back();
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
    block.outside = now_.outside;
    block.hinted = now_.hinted;
    block.in_main = now_.in_main;
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

using Document = std::unique_ptr<xmlDoc, decltype(&xmlFreeDoc)>;

Error too_deep() { return {ErrorCode::kInvalidArgument, "elements are nested too deeply, or no element was found"}; }

// libxml2 says so only through the context's error, and keeps what it had read until then.
Document read_document(std::string_view text, bool xml, bool& deep) {
  const int size = static_cast<int>(text.size());
  if (xml) {
    const std::unique_ptr<xmlParserCtxt, decltype(&xmlFreeParserCtxt)> context(xmlNewParserCtxt(), xmlFreeParserCtxt);
    const int options = XML_PARSE_RECOVER | XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
    Document document(xmlCtxtReadMemory(context.get(), text.data(), size, nullptr, "UTF-8", options), xmlFreeDoc);
    deep = context->lastError.code == XML_ERR_INTERNAL_ERROR;
    return document;
  }
  const std::unique_ptr<htmlParserCtxt, decltype(&htmlFreeParserCtxt)> context(htmlNewParserCtxt(), htmlFreeParserCtxt);
  const int options = HTML_PARSE_RECOVER | HTML_PARSE_NONET | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING;
  Document document(htmlCtxtReadMemory(context.get(), text.data(), size, nullptr, "UTF-8", options), xmlFreeDoc);
  deep = context->lastError.code == XML_ERR_INTERNAL_ERROR;
  return document;
}

Result<MarkupPage> parse(std::string_view text, bool xml) {
  if (text.size() > kMaxPageBytes) return {ErrorCode::kExhausted, "page is larger than 1 GiB"};
  bool deep = false;
  const Document document = read_document(text, xml, deep);
  const xmlNode* root = document == nullptr ? nullptr : xmlDocGetRootElement(document.get());
  if (root == nullptr || deep) return too_deep();
  MarkupPage page;
  const xmlNode top{.type = XML_DOCUMENT_NODE, .children = const_cast<xmlNode*>(root)};
  BlockBuilder(xml, page).build(&top);
  return page;
}

}  // namespace

Result<MarkupPage> parse_html(std::string_view html) { return parse(html, false); }
Result<MarkupPage> parse_xml(std::string_view xml) { return parse(xml, true); }

Result<ExtractedText> extract_html(std::string_view html) {
  Result<MarkupPage> page = parse_html(html);
  if (!page) return page.error();
  std::vector<Block> blocks = main_blocks(std::move(page->blocks));
  const bool titled =
      std::any_of(blocks.begin(), blocks.end(), [](const Block& b) { return b.kind == BlockKind::kHeading; });
  if (!titled && !blocks.empty() && !page->title.empty()) {
    Block title{.kind = BlockKind::kHeading, .level = 1};
    title.text = page->title;
    blocks.insert(blocks.begin(), std::move(title));
  }
  return ExtractedText{page->title, render(blocks)};
}

Result<ExtractedText> extract_xml(std::string_view xml) {
  Result<MarkupPage> page = parse_xml(xml);
  if (!page) return page.error();
  const auto title = std::find_if(page->blocks.begin(), page->blocks.end(),
                                  [](const Block& b) { return b.kind == BlockKind::kHeading; });
  std::string name = title == page->blocks.end() ? "" : title->text;
  return ExtractedText{std::move(name), render(page->blocks)};
}

}  // namespace maru::data
