#include "data/markup.h"

#include <libxml/HTMLparser.h>
#include <libxml/parser.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "data/boilerplate.h"
#include "data/markup_bounds.h"
#include "data/markup_walk.h"

namespace maru::data {
namespace {

constexpr size_t kMaxPageBytes = std::numeric_limits<int>::max() / 2;

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

Result<MarkupPage> parse(const BoundedMarkup& markup, bool xml) {
  if (markup.text.size() > kMaxPageBytes) return {ErrorCode::kExhausted, "page is larger than 1 GiB"};
  bool deep = false;
  const Document document = read_document(markup.text, xml, deep);
  const xmlNode* root = document == nullptr ? nullptr : xmlDocGetRootElement(document.get());
  if (root == nullptr || deep) return too_deep();
  const xmlNode top{.type = XML_DOCUMENT_NODE, .children = const_cast<xmlNode*>(root)};
  MarkupPage page = blocks_of(&top, xml);
  page.steps += markup.steps;
  return page;
}

ExtractedText with_counts(const BoundedMarkup& markup, const MarkupPage& page) {
  return {page.title, "", page.readings, markup.attributes, markup.zeros, page.steps};
}

}  // namespace

Result<ExtractedText> extract_html(std::string_view html) {
  const BoundedMarkup markup = bound_markup(html, false);
  Result<MarkupPage> page = parse(markup, false);
  if (!page) return page.error();
  ExtractedText result = with_counts(markup, *page);
  std::vector<Block> blocks = main_blocks(std::move(*page));
  const bool titled =
      std::any_of(blocks.begin(), blocks.end(), [](const Block& b) { return b.kind == BlockKind::kHeading; });
  if (!titled && !blocks.empty() && !result.title.empty()) {
    Block title{.kind = BlockKind::kHeading, .level = 1};
    title.text = result.title;
    blocks.insert(blocks.begin(), std::move(title));
  }
  result.text = render(blocks);
  return result;
}

Result<ExtractedText> extract_xml(std::string_view xml) {
  const BoundedMarkup markup = bound_markup(xml, true);
  Result<MarkupPage> page = parse(markup, true);
  if (!page) return page.error();
  ExtractedText result = with_counts(markup, *page);
  const auto title = std::find_if(page->blocks.begin(), page->blocks.end(),
                                  [](const Block& b) { return b.kind == BlockKind::kHeading; });
  result.title = title == page->blocks.end() ? "" : title->text;
  result.text = render(page->blocks);
  return result;
}

}  // namespace maru::data
