#include "api/openai/error.h"

#include <optional>
#include <utility>

#include "base/excerpt.h"
#include "http/json_body.h"

namespace maru::api::openai {
namespace {

std::string_view type_of(int status) {
  if (status == 429) return "rate_limit_error";
  return status >= 500 && status != 501 ? "server_error" : "invalid_request_error";
}

struct OpenAiErrorFacts {
  std::string message, type;
  std::optional<std::string> param, code;
  static constexpr auto fields() {
    using C = OpenAiErrorFacts;
    return std::tuple{field("message", &C::message, "for people"), field("type", &C::type, "of errors"),
                      field("param", &C::param, "the field of the request at fault"),
                      field("code", &C::code, "for programs")};
  }
};

struct OpenAiError {
  OpenAiErrorFacts error;
  static constexpr auto fields() { return std::tuple{field("error", &OpenAiError::error, "what went wrong")}; }
};

std::optional<std::string> if_any(std::string word) {
  return word.empty() ? std::nullopt : std::optional(std::move(word));
}

std::string error_body(const http::Problem& problem) {
  const OpenAiErrorFacts facts{.message = excerpt(problem.message, kMaxMessageBytes),
                               .type = std::string(type_of(problem.status)),
                               .param = if_any(excerpt(problem.field, kMaxFieldBytes)),
                               .code = if_any(problem.word)};
  return http::to_line(to_json(OpenAiError{facts}));
}

}  // namespace

const http::Dialect kDialect{.error_body = error_body,
                             .credential = http::bearer_token,
                             .place_of_key = "'Authorization: Bearer KEY'",
                             .error_schema = http::error_schema<OpenAiError>};

}  // namespace maru::api::openai
