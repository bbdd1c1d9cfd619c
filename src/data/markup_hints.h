// What classes, ids, roles and styles of HTML elements hint at. Pure functions.
#pragma once
#include <string_view>

namespace maru::data {

enum class NameHint : uint8_t {
  kNone,
  kTopic,    // "cookies", "sidebar": boilerplate, or what a text is about, or a box inside it
  kPlace,    // "site-footer", "breadcrumbs": a place of a page's frame
  kService,  // "headerlink", "editsection": a link for those who work with the page, inside its text
};

/// The strongest hint among the names in a class or id attribute. Names that describe a layout ("has-toc",
/// "page-with-sidebar"), or whose noun is a text ("related-post"), hint at nothing.
NameHint hint_of_names(std::string_view class_or_id);

/// Whether the role attribute makes an element a landmark for navigation (WAI-ARIA).
bool is_navigation_role(std::string_view role);

enum class Visibility : uint8_t { kInherited, kShown, kHidden, kNotDisplayed };

/// By the declarations of a style attribute: display and visibility, in any spelling; the last one counts, but for
/// !important ones.
Visibility visibility_of_style(std::string_view style);

/// Whether a link's text is only a sign ("¶", "#", "🔗") that shows where a heading can be linked to.
bool is_permalink(std::string_view href, std::string_view text);

}  // namespace maru::data
