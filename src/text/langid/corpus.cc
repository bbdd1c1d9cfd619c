#include "text/langid/corpus.h"

#include <fmt/format.h>
#include <libxml/HTMLparser.h>
#include <libxml/parser.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "base/byte_source.h"
#include "base/json_node.h"

namespace maru::text {
namespace {

bool is_tag_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == '@';
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n"), end = text.find_last_not_of(" \t\r\n");
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin, end - begin + 1);
}

void split_paragraphs(std::string_view text, std::vector<std::string>& to) {
  while (!text.empty()) {
    const size_t end = std::min(text.find("\n\n"), text.size());
    if (const std::string_view one = trimmed(text.substr(0, end)); !one.empty()) to.emplace_back(one);
    text.remove_prefix(std::min(end + 2, text.size()));
  }
}

std::vector<std::string> jsonl_paragraphs(const fs::path& path) {
  std::vector<std::string> paragraphs;
  LineReader lines(path);
  while (const auto line = lines.next()) {
    const std::string where = fmt::format("{}:{}", path.string(), lines.line_number());
    const Json row = parse_json(*line, where).value();
    split_paragraphs(JsonNode(row, where)["text"].string(), paragraphs);
  }
  return paragraphs;
}

// Gathers the text of block elements; elements inside a line do not break it.
class MarkupWalker {
 public:
  std::vector<std::string> walk(const xmlNode* root) && {
    visit(root);
    flush();
    return std::move(paragraphs_);
  }

 private:
  static bool is_one_of(const xmlNode* node, std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), reinterpret_cast<const char*>(node->name)) != names.end();
  }
  static bool is_skipped(const xmlNode* node) {
    return is_one_of(node, {"script", "style", "pre", "code", "screen", "programlisting", "tt", "kbd", "cmd", "output",
                            "input", "file", "sys", "svg", "credit", "license", "years", "email", "nav"});
  }
  static bool is_inline(const xmlNode* node) {
    return is_one_of(
        node, {"a",    "abbr",  "acronym", "app",    "b",   "big",    "cite",  "dfn",  "em",   "emph", "emphasis",
               "font", "gui",   "guiseq",  "i",      "key", "keyseq", "label", "link", "name", "q",    "quote",
               "s",    "small", "span",    "strong", "sub", "sup",    "ulink", "u",    "var"});
  }
  // Depth is bounded by libxml2's own limit of 256 elements.
  void visit(const xmlNode* node) {  // NOLINT(misc-no-recursion)
    for (const xmlNode* one = node; one != nullptr; one = one->next) {
      if (one->type == XML_TEXT_NODE) line_ += reinterpret_cast<const char*>(one->content);
      if (one->type != XML_ELEMENT_NODE) continue;
      const bool is_block = !is_inline(one) && !is_skipped(one);
      if (is_block) flush();
      if (is_skipped(one)) {
        line_ += ' ';
      } else {
        visit(one->children);
      }
      if (is_block) flush();
    }
  }
  void flush() {
    std::string text;
    for (const char c : trimmed(line_)) {
      const bool space = std::strchr(" \t\r\n", c) != nullptr;
      if (!space || text.back() != ' ') text += space ? ' ' : c;
    }
    if (!text.empty()) paragraphs_.push_back(std::move(text));
    line_.clear();
  }
  std::string line_;
  std::vector<std::string> paragraphs_;
};

uint32_t load32(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, 4);
  return value;
}

}  // namespace

bool match_path(std::string_view pattern, std::string_view path, std::string& language) {  // NOLINT(misc-no-recursion)
  constexpr std::string_view kLanguage = "{language}";
  if (pattern.empty()) return path.empty();
  if (pattern.starts_with(kLanguage)) {
    for (size_t n = 1; n <= path.size() && is_tag_character(path[n - 1]); ++n) {
      if (!match_path(pattern.substr(kLanguage.size()), path.substr(n), language)) continue;
      language = path.substr(0, n);
      return true;
    }
    return false;
  }
  if (pattern[0] != '*')
    return !path.empty() && path[0] == pattern[0] && match_path(pattern.substr(1), path.substr(1), language);
  const bool any = pattern.starts_with("**");
  for (size_t n = 0; n <= path.size(); ++n) {
    if (match_path(pattern.substr(any ? 2 : 1), path.substr(n), language)) return true;
    if (n < path.size() && path[n] == '/' && !any) return false;
  }
  return false;
}

std::string base_language(std::string_view tag) {
  std::string language(tag.substr(0, tag.find_first_of("_-@")));
  for (char& c : language)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return language;
}

Result<std::vector<std::string>> parse_catalogue(std::string_view bytes, std::string_view name) {
  constexpr uint32_t kMagic = 0x950412de;
  constexpr size_t kHeaderBytes = 28;
  const auto bad = [&](const std::string& what) {
    return Error{ErrorCode::kDataLoss, fmt::format("{}: {}", name, what)};
  };
  if (bytes.size() < kHeaderBytes || load32(bytes, 0) != kMagic) return bad("not a little-endian message catalogue");
  const uint64_t count = load32(bytes, 8), originals = load32(bytes, 12), translations = load32(bytes, 16);
  if (std::max(originals, translations) + count * 8 > bytes.size())
    return bad(fmt::format("{} messages do not fit the file", count));
  std::vector<std::string> messages;
  for (uint64_t i = 0; i < count; ++i) {
    if (load32(bytes, originals + i * 8) == 0) continue;  // the catalogue's header
    const uint64_t size = load32(bytes, translations + i * 8), at = load32(bytes, translations + i * 8 + 4);
    if (at + size > bytes.size()) return bad(fmt::format("message {} lies beyond the end", i));
    std::string_view forms = bytes.substr(at, size);
    while (!forms.empty()) {
      const size_t end = std::min(forms.find('\0'), forms.size());
      messages.emplace_back(forms.substr(0, end));
      forms.remove_prefix(std::min(end + 1, forms.size()));
    }
  }
  return messages;
}

std::vector<std::string> markup_paragraphs(std::string_view bytes, bool xml) {
  const int size = static_cast<int>(std::min<size_t>(bytes.size(), 1u << 30));
  constexpr int kXml = XML_PARSE_RECOVER | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NONET;
  constexpr int kHtml = HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET;
  const std::unique_ptr<xmlDoc, decltype(&xmlFreeDoc)> document(
      xml ? xmlReadMemory(bytes.data(), size, nullptr, nullptr, kXml)
          : htmlReadMemory(bytes.data(), size, nullptr, nullptr, kHtml),
      &xmlFreeDoc);
  return document ? MarkupWalker().walk(xmlDocGetRootElement(document.get())) : std::vector<std::string>();
}

std::vector<std::string> read_paragraphs(const fs::path& path) {
  const std::string name = path.filename().string(), extension = path.extension().string();
  if (extension == ".mo") return parse_catalogue(MappedFile(path).text(), path.string()).value();
  if (extension == ".page" || extension == ".xml") return markup_paragraphs(MappedFile(path).text(), true);
  if (extension == ".html" || extension == ".htm" || extension == ".xhtml")
    return markup_paragraphs(MappedFile(path).text(), false);
  if (name.ends_with(".jsonl") || name.find(".jsonl.") != std::string::npos) return jsonl_paragraphs(path);
  if (extension != ".txt")
    throw Failure(ErrorCode::kInvalidArgument, path.string() + ": cannot read this kind of file");
  std::vector<std::string> paragraphs;
  split_paragraphs(read_file(path), paragraphs);
  return paragraphs;
}

}  // namespace maru::text
