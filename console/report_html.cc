// Fills the report template. Pure functions of their arguments.
#include "console/assets.h"

namespace maru::console {
namespace {

// In JSON a `<` can only stand inside a string, where \u003c means the same.
std::string escape_for_script(std::string_view json) {
  std::string escaped;
  escaped.reserve(json.size());
  for (char c : json) {
    if (c == '<') {
      escaped += "\\u003c";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

}  // namespace

std::string report_html(std::string_view json) {
  std::string html(report_template());
  return html.replace(html.find(kReportPlaceholder), kReportPlaceholder.size(), escape_for_script(json));
}

}  // namespace maru::console
