#include "data/markup_hints.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "data/ascii.h"

namespace maru::data {
namespace {

template <size_t n>
bool is_among(const std::array<std::string_view, n>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Whole names between separators, or the same glued together as DocBook and Sphinx write them.
constexpr std::array<std::string_view, 19> kPlaces = {
    "breadcrumb", "breadcrumbs", "docnav", "footer",        "gnb",       "lnb",        "masthead",
    "menubar",    "nav",         "navbar", "navfooter",     "navheader", "navigation", "navlinks",
    "pager",      "pagination",  "skip",   "sphinxsidebar", "topbar"};
constexpr std::array<std::string_view, 22> kTopics = {
    "ad",        "ads",     "advert",     "advertisement", "banner",    "comments", "cookie",  "cookies",
    "copyright", "menu",    "newsletter", "noprint",       "popup",     "promo",    "related", "share",
    "sharing",   "sidebar", "social",     "sponsor",       "subscribe", "toc"};
// "cookie-notice", "share-buttons": a topic's place in the frame.
constexpr std::array<std::string_view, 13> kFrames = {"banner", "bar",  "box",   "buttons", "consent", "form",  "links",
                                                      "list",   "menu", "modal", "notice",  "overlay", "widget"};
constexpr std::array<std::string_view, 6> kServices = {"headerlink", "editsection", "hashlink",
                                                       "anchorjs",   "viewcode",    "copybtn"};
// "has-toc", "contentWithSidebar": how a page is laid out.
constexpr std::array<std::string_view, 12> kLayouts = {"has",  "with", "without", "no",      "not",      "show",
                                                       "hide", "open", "closed",  "enabled", "disabled", "layout"};
// "sidebar-page", "related-post": what the name says it is. A sidebar's content is still a sidebar's.
constexpr std::array<std::string_view, 5> kPages = {"body", "document", "main", "page", "wiki"};
constexpr std::array<std::string_view, 16> kTexts = {"article",  "articles", "body", "chapter", "content", "doc",
                                                     "document", "entry",    "main", "page",    "post",    "posts",
                                                     "section",  "story",    "text", "wiki"};

// "siteNavBar" → site, nav, bar.
std::vector<std::string> parts_of(std::string_view name) {
  std::vector<std::string> parts(1);
  for (size_t i = 0; i < name.size(); ++i) {
    const bool separator = name[i] == '-' || name[i] == '_' || name[i] == ':';
    const bool hump = name[i] >= 'A' && name[i] <= 'Z' && i > 0 && name[i - 1] >= 'a' && name[i - 1] <= 'z';
    if ((separator || hump) && !parts.back().empty()) parts.emplace_back();
    if (!separator) parts.back() += lower(name[i]);
  }
  if (parts.size() > 1 && parts.back().empty()) parts.pop_back();
  return parts;
}

NameHint hint_of_name(std::string_view name) {
  const std::vector<std::string> parts = parts_of(name);
  std::string word;
  for (const std::string& part : parts) {
    if (is_among(kLayouts, part)) return NameHint::kNone;
    word += part;
  }
  if (is_among(kServices, word) || is_among(kServices, parts.back()) || is_among(kServices, parts.front()))
    return NameHint::kService;
  const auto names_one_of = [&](const auto& names) {
    return is_among(names, word) ||
           std::any_of(parts.begin(), parts.end(), [&](const std::string& part) { return is_among(names, part); });
  };
  if (names_one_of(kPlaces) && !is_among(kPages, parts.back())) return NameHint::kPlace;
  if (!names_one_of(kTopics) || is_among(kTexts, parts.back())) return NameHint::kNone;
  return parts.size() > 1 && is_among(kFrames, parts.back()) ? NameHint::kPlace : NameHint::kTopic;
}

// Lower case, without comments.
std::string plain_style(std::string_view style) {
  std::string plain;
  for (size_t i = 0; i < style.size(); ++i) {
    if (style.substr(i).starts_with("/*")) {
      const size_t end = style.find("*/", i + 2);
      if (end == std::string_view::npos) break;
      i = end + 1;
    } else {
      plain += lower(style[i]);
    }
  }
  return plain;
}

// One property's value, as the cascade of a single attribute decides.
struct Property {
  std::string value;
  bool important = false;
  void set(std::string_view to) {
    const size_t mark = to.find('!');
    const bool is_important = mark != std::string_view::npos && trimmed(to.substr(mark + 1)) == "important";
    if (mark != std::string_view::npos && !is_important) return;
    if (important && !is_important) return;
    value = trimmed(to.substr(0, mark));
    important = is_important;
  }
};

}  // namespace

NameHint hint_of_names(std::string_view class_or_id) {
  NameHint strongest = NameHint::kNone;
  for (size_t at = 0; at < class_or_id.size();) {
    if (is_blank(class_or_id[at])) {
      ++at;
      continue;
    }
    size_t end = at;
    while (end < class_or_id.size() && !is_blank(class_or_id[end])) ++end;
    strongest = std::max(strongest, hint_of_name(class_or_id.substr(at, end - at)));
    at = end;
  }
  return strongest;
}

bool is_navigation_role(std::string_view role) {
  constexpr std::array<std::string_view, 8> kRoles = {"banner",     "contentinfo", "menu",   "menubar",
                                                      "navigation", "search",      "dialog", "alertdialog"};
  return is_among(kRoles, role);
}

Visibility visibility_of_style(std::string_view style) {
  if (style.empty()) return Visibility::kInherited;
  const std::string plain = plain_style(style);
  Property display, visibility;
  for (size_t at = 0; at < plain.size();) {
    const size_t end = std::min(plain.find(';', at), plain.size());
    const std::string_view declaration = std::string_view(plain).substr(at, end - at);
    if (const size_t colon = declaration.find(':'); colon != std::string_view::npos) {
      const std::string_view name = trimmed(declaration.substr(0, colon));
      const std::string_view value = declaration.substr(colon + 1);
      if (name == "display") display.set(value);
      if (name == "visibility") visibility.set(value);
    }
    at = end + 1;
  }
  if (display.value == "none") return Visibility::kNotDisplayed;
  if (visibility.value == "hidden" || visibility.value == "collapse") return Visibility::kHidden;
  return visibility.value == "visible" ? Visibility::kShown : Visibility::kInherited;
}

bool is_permalink(std::string_view href, std::string_view text) {
  if (href.find('#') == std::string_view::npos || text.size() > 32) return false;
  for (const char *p = text.data(), *end = p + text.size(); p < end;) {
    const Decoded d = decode_utf8(p, end);
    if (u_isalnum(static_cast<UChar32>(d.code_point))) return false;
    p += d.length;
  }
  return true;
}

}  // namespace maru::data
