// The web console and the report template, embedded into the binary at build time. All data is constant and
// lives as long as the program; every function may be called from any thread.
#pragma once
#include <span>
#include <string>
#include <string_view>

namespace maru::console {

/// One file of the console as it goes out over HTTP.
struct Asset {
  std::string_view path;          // the request path, e.g. "/app.js"
  std::string_view content_type;  // with charset
  std::string_view body;
  std::string_view etag;  // strong, with its quotes: a hash of the body
};

/// Every file of the console: "/", "/app.js", "/app.css", "/favicon.svg".
std::span<const Asset> assets();

/// The self-contained report page. It holds kReportPlaceholder exactly once, inside a <script> element.
/// Whoever replaces it must write every `<` of the JSON as \u003c, so that no text can close the element.
std::string_view report_template();
inline constexpr std::string_view kReportPlaceholder = "/*MARU_REPORT_DATA*/null";

/// The report page with `json` (one JSON value, UTF-8) in place of the placeholder, escaped as described above.
std::string report_html(std::string_view json);

}  // namespace maru::console
