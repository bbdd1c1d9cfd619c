#include "api/hub/error.h"

#include "base/excerpt.h"
#include "http/json_body.h"

namespace maru::api::hub {
namespace {

struct HubError {
  std::string error;
  static constexpr auto fields() { return std::tuple{field("error", &HubError::error, "what went wrong")}; }
};

std::string error_body(const http::Problem& problem) {
  return http::to_line(to_json(HubError{excerpt(problem.message, kMaxMessageBytes)}));
}

/// By these words clients know which of their errors it is.
const char* code_of(const http::Problem& problem) {
  if (problem.status != 404) return nullptr;
  if (problem.field == "repository") return "RepoNotFound";
  if (problem.field == "revision") return "RevisionNotFound";
  return problem.field == "path" ? "EntryNotFound" : nullptr;
}

/// As a head may hold it: names of files are in every script, so the body says them better.
std::string plain(std::string text) {
  for (char& c : text)
    if (c < 0x20 || c > 0x7e) c = '?';
  return text;
}

http::Headers error_headers(const http::Problem& problem) {
  http::Headers headers;
  if (const char* code = code_of(problem)) headers.emplace_back("X-Error-Code", code);
  // Without this very text clients take a 401 for a repository that is not there.
  headers.emplace_back("X-Error-Message", problem.status == 401 ? "Invalid credentials in Authorization header"
                                                                : plain(excerpt(problem.message, kMaxMessageBytes)));
  return headers;
}

}  // namespace

const http::Dialect kDialect{.error_body = error_body,
                             .credential = http::bearer_token,
                             .place_of_key = "'Authorization: Bearer KEY'",
                             .error_schema = http::error_schema<HubError>,
                             .error_headers = error_headers};

}  // namespace maru::api::hub
