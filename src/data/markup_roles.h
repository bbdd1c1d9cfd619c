// What the elements of HTML, Mallard and DocBook mean to a reader of their text. Pure functions.
#pragma once
#include <string_view>

namespace maru::data {

enum class MarkupRole : uint8_t {
  kInline,  // text flows through: em, span, gui, …, and whatever is unknown
  kBlock,
  kSkip,        // never text: script, media, metadata, formulas in another notation
  kControl,     // never text: buttons and fields of forms
  kReading,     // never text: how a ruby's base is read
  kNavigation,  // nav, footer
  kAside,
  kHeader,  // navigation, except inside main
  kMain,    // main
  kArticle,
  kHeading,  // h1 … h6
  kTitle,    // Mallard's and DocBook's title: a heading whose level is the depth of its section
  kSection,  // what makes titles deeper
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

}  // namespace maru::data
