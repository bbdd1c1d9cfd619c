#include "data/markup_roles.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>

namespace maru::data {
namespace {

using enum MarkupRole;

struct Entry {
  std::string_view name;
  MarkupRole role;
};

// Looked up from the front: a page has few kinds of elements, and comparing lengths first makes misses cheap.
constexpr Entry kHtml[] = {
    {"address", kBlock},
    {"article", kMain},
    {"aside", kNavigation},
    {"audio", kSkip},
    {"blockquote", kBlock},
    {"body", kBlock},
    {"br", kLineBreak},
    {"button", kSkip},
    {"canvas", kSkip},
    {"caption", kBlock},
    {"center", kBlock},
    {"dd", kBlock},
    {"details", kBlock},
    {"dialog", kSkip},
    {"dir", kBulletList},
    {"div", kBlock},
    {"dl", kBlock},
    {"dt", kBlock},
    {"embed", kSkip},
    {"fieldset", kBlock},
    {"figcaption", kBlock},
    {"figure", kBlock},
    {"footer", kNavigation},
    {"form", kBlock},
    {"frameset", kSkip},
    {"h1", kHeading},
    {"h2", kHeading},
    {"h3", kHeading},
    {"h4", kHeading},
    {"h5", kHeading},
    {"h6", kHeading},
    {"head", kSkip},
    {"header", kHeader},
    {"hr", kBlock},
    {"iframe", kSkip},
    {"input", kSkip},
    {"legend", kBlock},
    {"li", kItem},
    {"link", kSkip},
    {"listing", kPreformatted},
    {"main", kMain},
    {"map", kSkip},
    {"menu", kBulletList},
    {"meta", kSkip},
    {"nav", kNavigation},
    {"noembed", kSkip},
    {"noframes", kSkip},
    {"noscript", kSkip},
    {"object", kSkip},
    {"ol", kNumberList},
    {"optgroup", kSkip},
    {"option", kSkip},
    {"p", kBlock},
    {"plaintext", kPreformatted},
    {"pre", kPreformatted},
    {"script", kSkip},
    {"section", kBlock},
    {"select", kSkip},
    {"style", kSkip},
    {"summary", kBlock},
    {"svg", kSkip},
    {"table", kTable},
    {"tbody", kBlock},
    {"td", kCell},
    {"template", kSkip},
    {"textarea", kSkip},
    {"tfoot", kBlock},
    {"th", kCell},
    {"thead", kBlock},
    {"title", kSkip},
    {"tr", kRow},
    {"ul", kBulletList},
    {"video", kSkip},
    {"xmp", kPreformatted},
    {"a", kLink},
};

constexpr Entry kXml[] = {
    {"appendix", kSection},
    {"article", kSection},
    {"book", kSection},
    {"bookinfo", kSkip},
    {"bridgehead", kBlock},
    {"caption", kBlock},
    {"chapter", kSection},
    {"chapterinfo", kSkip},
    {"cite", kBlock},
    {"code", kInline},
    {"comment", kSkip},
    {"credit", kSkip},
    {"desc", kBlock},
    {"entry", kCell},
    {"example", kBlock},
    {"figure", kBlock},
    {"formalpara", kBlock},
    {"gloss", kBlock},
    {"indexterm", kSkip},
    {"info", kSkip},
    {"item", kItem},
    {"itemizedlist", kBulletList},
    {"links", kSkip},
    {"list", kBulletList},
    {"listing", kBlock},
    {"listitem", kItem},
    {"media", kSkip},
    {"mediaobject", kSkip},
    {"note", kBlock},
    {"orderedlist", kNumberList},
    {"p", kBlock},
    {"page", kSection},
    {"para", kBlock},
    {"partinfo", kSkip},
    {"preface", kSection},
    {"programlisting", kPreformatted},
    {"quote", kBlock},
    {"refentry", kSection},
    {"revision", kSkip},
    {"row", kRow},
    {"screen", kPreformatted},
    {"sect1", kSection},
    {"sect2", kSection},
    {"sect3", kSection},
    {"sect4", kSection},
    {"sect5", kSection},
    {"section", kSection},
    {"simpara", kBlock},
    {"steps", kNumberList},
    {"synopsis", kBlock},
    {"table", kTable},
    {"td", kCell},
    {"term", kBlock},
    {"terms", kBulletList},
    {"tgroup", kBlock},
    {"th", kCell},
    {"title", kTitle},
    {"titleabbrev", kSkip},
    {"tr", kRow},
    {"tree", kBulletList},
    {"variablelist", kBlock},
    {"varlistentry", kBlock},
};

// Whole names between separators, or the same glued together as DocBook and Sphinx write them.
constexpr std::array<std::string_view, 42> kBoilerplateNames = {
    "ad",         "ads",       "advert",        "advertisement", "banner",      "breadcrumb", "breadcrumbs",
    "comments",   "cookie",    "cookies",       "copyright",     "footer",      "gnb",        "headerlink",
    "lnb",        "masthead",  "menu",          "menubar",       "editsection", "nav",        "navbar",
    "navfooter",  "navheader", "navigation",    "navlinks",      "newsletter",  "noprint",    "pager",
    "pagination", "popup",     "promo",         "related",       "share",       "sharing",    "sidebar",
    "skip",       "social",    "sphinxsidebar", "sponsor",       "subscribe",   "toc",        "topbar"};

MarkupRole find_in(std::span<const Entry> table, std::string_view name) {
  const auto it = std::find_if(table.begin(), table.end(), [&](const Entry& e) { return e.name == name; });
  return it == table.end() ? kInline : it->role;
}

bool is_boilerplate_name(std::string_view name) {
  return std::find(kBoilerplateNames.begin(), kBoilerplateNames.end(), name) != kBoilerplateNames.end();
}

bool is_separator(char c) { return c == ' ' || c == '-' || c == '_' || c == '\t' || c == '\n'; }

}  // namespace

MarkupRole markup_role(std::string_view name, bool xml) { return xml ? find_in(kXml, name) : find_in(kHtml, name); }

bool names_boilerplate(std::string_view class_or_id) {
  std::string word, part;  // "siteNavBar": the word "sitenavbar", the parts "site", "nav" and "bar"
  for (size_t i = 0; i <= class_or_id.size(); ++i) {
    const char c = i < class_or_id.size() ? class_or_id[i] : ' ';
    const bool upper = c >= 'A' && c <= 'Z';
    if (is_separator(c) || (upper && !part.empty() && class_or_id[i - 1] >= 'a')) {
      if (is_boilerplate_name(part) || (is_separator(c) && is_boilerplate_name(word))) return true;
      part.clear();
    }
    if (is_separator(c)) {
      word.clear();
    } else {
      part += upper ? static_cast<char>(c + 32) : c;
      word += part.back();
    }
  }
  return false;
}

bool is_landmark_outside_main(std::string_view role) {
  constexpr std::array<std::string_view, 6> kRoles = {"banner", "complementary", "contentinfo",
                                                      "menu",   "navigation",    "search"};
  return std::find(kRoles.begin(), kRoles.end(), role) != kRoles.end();
}

}  // namespace maru::data
