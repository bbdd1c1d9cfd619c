// What the elements of HTML, Mallard and DocBook mean to a reader of their text. Pure functions.
#pragma once
#include <string_view>

namespace maru::data {

enum class MarkupRole : uint8_t {
  kInline,  // text flows through: em, span, gui, …, and whatever is unknown
  kBlock,
  kSkip,        // never text: script, media, form controls, metadata
  kNavigation,  // nav, aside, footer
  kHeader,      // navigation, except for headings inside main
  kMain,        // main, article
  kHeading,     // h1 … h6
  kTitle,       // Mallard's and DocBook's title: a heading whose level is the depth of its section
  kSection,     // what makes titles deeper
  kBulletList,
  kNumberList,
  kItem,
  kTable,
  kRow,
  kCell,
  kPreformatted,
  kLineBreak,
  kLink,
};

/// `name` in lower case without a namespace prefix. HTML and XML differ: `title`, `header` and `link` for example.
MarkupRole markup_role(std::string_view name, bool xml);

/// Whether one of the names in a class or id attribute says that the element is not the page's text
/// ("navheader", "site-footer", "breadcrumbs", …).
bool names_boilerplate(std::string_view class_or_id);
/// The same for the role attribute (WAI-ARIA landmarks).
bool is_landmark_outside_main(std::string_view role);

}  // namespace maru::data
