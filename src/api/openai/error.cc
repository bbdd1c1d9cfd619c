#include "api/openai/error.h"

#include "base/excerpt.h"
#include "http/json_body.h"

namespace maru::api::openai {
namespace {

std::string_view type_of(int status) {
  if (status == 429) return "rate_limit_error";
  return status >= 500 && status != 501 ? "server_error" : "invalid_request_error";
}

Json or_null(const std::string& word) { return word.empty() ? Json(nullptr) : Json(word); }

std::string error_body(const http::Problem& problem) {
  const Json body{{"message", excerpt(problem.message, kMaxMessageBytes)},
                  {"type", type_of(problem.status)},
                  {"param", or_null(excerpt(problem.field, kMaxFieldBytes))},
                  {"code", or_null(problem.word)}};
  return http::to_line({{"error", body}});
}

}  // namespace

const http::Dialect kDialect{
    .error_body = error_body, .credential = http::bearer_token, .place_of_key = "'Authorization: Bearer KEY'"};

}  // namespace maru::api::openai
