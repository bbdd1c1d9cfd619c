#include "http/dialect.h"

#include <algorithm>
#include <cmath>

#include "base/excerpt.h"
#include "http/current_response.h"
#include "http/json_body.h"

namespace maru::http {
namespace {

struct PlainErrorFacts {
  std::string message, code;
  static constexpr auto fields() {
    using C = PlainErrorFacts;
    return std::tuple{field("message", &C::message, "for people"), field("code", &C::code, "for programs")};
  }
};

struct PlainError {
  PlainErrorFacts error;
  static constexpr auto fields() { return std::tuple{field("error", &PlainError::error, "what went wrong")}; }
};

/// Whole ones (RFC 9110 §10.2.3), so that who waits as long is not too early. Where nobody knows, a moment.
int64_t whole_seconds(double seconds) { return std::max<int64_t>(1, std::llround(std::ceil(seconds))); }

}  // namespace

std::string_view bearer_token(const Request& request) {
  constexpr std::string_view kScheme = "bearer ";
  const std::string_view value = request.header("authorization");
  return same_word(value.substr(0, kScheme.size()), kScheme) ? trim_blanks(value.substr(kScheme.size())) : "";
}

const Dialect kPlain{
    .error_body =
        [](const Problem& problem) {
          return to_line(to_json(PlainError{{excerpt(problem.message, kMaxMessageBytes), problem.word}}));
        },
    .credential = bearer_token,
    .place_of_key = "'Authorization: Bearer KEY'",
    .error_schema = error_schema<PlainError>};

Response to_response(const Problem& met, const Dialect& dialect) {
  Problem problem = met;
  if (dialect.status != nullptr) problem.status = dialect.status(met);
  Response response{.status = problem.status, .body = dialect.error_body(problem)};
  if (dialect.error_headers != nullptr) response.headers = dialect.error_headers(problem);
  if (problem.status == 429 || problem.status == 503)
    response.headers.emplace_back("Retry-After", std::to_string(whole_seconds(problem.retry_seconds)));
  return response;
}

Response response_to_current(const Dialect& dialect) noexcept {
  try {
    return to_response(current_problem(), dialect);
  } catch (...) {
    return {.status = 503, .content_type = "text/plain"};  // short: nothing is allocated
  }
}

}  // namespace maru::http
