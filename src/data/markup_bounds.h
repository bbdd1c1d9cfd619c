// Bounds in front of the parser of HTML and XML, which takes quadratic time for elements with many attributes and may
// expand entities. Pure functions, thread-safe.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace maru::data {

inline constexpr int kMaxAttributes =
    256;  // of an element; of all <html> and <body> tags together, which the parser joins

struct BoundedMarkup {
  std::string text;
  int64_t attributes = 0;  // left out because their element had too many
  int64_t zeros = 0;       // zero bytes left out: the parser would take the first for the end
  int64_t steps = 0;       // bytes looked at: the work that was done
};

/// The same page without what the bounds do not allow. Of XML the document type goes too, so that no entity is
/// declared. Text between tags, comments, scripts and CDATA sections stay as they are. Cost: linear.
BoundedMarkup bound_markup(std::string_view text, bool xml);

}  // namespace maru::data
