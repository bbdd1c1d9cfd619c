#include "api/ollama/error.h"

#include "base/excerpt.h"
#include "http/json_body.h"

namespace maru::api::ollama {
namespace {

struct OllamaError {
  std::string error;
  static constexpr auto fields() { return std::tuple{field("error", &OllamaError::error, "what went wrong")}; }
};

std::string error_body(const http::Problem& problem) {
  return http::to_line(to_json(OllamaError{excerpt(problem.message, kMaxMessageBytes)}));
}

}  // namespace

const http::Dialect kDialect{.error_body = error_body,
                             .credential = http::bearer_token,
                             .place_of_key = "'Authorization: Bearer KEY'",
                             .error_schema = http::error_schema<OllamaError>};

}  // namespace maru::api::ollama
