#include "api/anthropic/error.h"

#include "base/excerpt.h"
#include "http/json_body.h"

namespace maru::api::anthropic {
namespace {

std::string_view type_of(int status) {
  switch (status) {
    case 401: return "authentication_error";
    case 403: return "permission_error";
    case 404: return "not_found_error";
    case 413: return "request_too_large";
    case 429: return "rate_limit_error";
    case 503: return "overloaded_error";
    case 504: return "timeout_error";
    default: return status >= 500 ? "api_error" : "invalid_request_error";
  }
}

std::string error_body(const http::Problem& problem) {
  const Json error{{"type", type_of(problem.status)}, {"message", excerpt(problem.message, kMaxMessageBytes)}};
  return http::to_line({{"type", "error"}, {"error", error}});
}

std::string_view key_of(const http::Request& request) {
  const std::string_view key = http::trim_blanks(request.header("x-api-key"));
  return key.empty() ? http::bearer_token(request) : key;
}

}  // namespace

const http::Dialect kDialect{.error_body = error_body, .credential = key_of, .place_of_key = "'x-api-key: KEY'"};

}  // namespace maru::api::anthropic
