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

struct AnthropicErrorFacts {
  std::string type, message;
  static constexpr auto fields() {
    using C = AnthropicErrorFacts;
    return std::tuple{field("type", &C::type, "of errors"), field("message", &C::message, "for people")};
  }
};

struct AnthropicError {
  std::string type = "error";
  AnthropicErrorFacts error;
  static constexpr auto fields() {
    using C = AnthropicError;
    return std::tuple{field("type", &C::type, "always \"error\""), field("error", &C::error, "what went wrong")};
  }
};

std::string error_body(const http::Problem& problem) {
  const std::string message = excerpt(problem.message, kMaxMessageBytes);
  return http::to_line(to_json(AnthropicError{.error = {std::string(type_of(problem.status)), message}}));
}

std::string_view key_of(const http::Request& request) {
  const std::string_view key = http::trim_blanks(request.header("x-api-key"));
  return key.empty() ? http::bearer_token(request) : key;
}

}  // namespace

const http::Dialect kDialect{.error_body = error_body,
                             .credential = key_of,
                             .place_of_key = "'x-api-key: KEY'",
                             .error_schema = http::error_schema<AnthropicError>};

}  // namespace maru::api::anthropic
