#include "api/anthropic/error.h"

#include <optional>
#include <string>
#include <vector>

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

struct AnthropicErrorDetails {
  std::string error_code;
  std::vector<std::string> unsupported;
  static constexpr auto fields() {
    using C = AnthropicErrorDetails;
    return std::tuple{field("error_code", &C::error_code, "for programs"),
                      field("unsupported", &C::unsupported, "what of the request")};
  }
};

struct AnthropicErrorFacts {
  std::string type, message;
  std::optional<AnthropicErrorDetails> details;
  static constexpr auto fields() {
    using C = AnthropicErrorFacts;
    return std::tuple{field("type", &C::type, "of errors"), field("message", &C::message, "for people"),
                      field("details", &C::details, "by which a client may go on by itself").unless_empty()};
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

/// Anthropic's clients keep conversations on the server where they run tools by themselves, unless it says in these
/// words that it cannot.
std::optional<AnthropicErrorDetails> details_of(const http::Problem& problem) {
  if (problem.field != "thread") return std::nullopt;
  return AnthropicErrorDetails{.error_code = "thread_unsupported_request", .unsupported = {problem.field}};
}

std::string error_body(const http::Problem& problem) {
  const std::string message = excerpt(problem.message, kMaxMessageBytes);
  return http::to_line(
      to_json(AnthropicError{.error = {std::string(type_of(problem.status)), message, details_of(problem)}}));
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
