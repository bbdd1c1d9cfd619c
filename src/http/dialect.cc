#include "http/dialect.h"

#include "base/excerpt.h"
#include "http/json_body.h"

namespace maru::http {

std::string_view bearer_token(const Request& request) {
  constexpr std::string_view kScheme = "bearer ";
  const std::string_view value = request.header("authorization");
  return same_word(value.substr(0, kScheme.size()), kScheme) ? trim_blanks(value.substr(kScheme.size())) : "";
}

const Dialect kPlain{
    .error_body =
        [](const Problem& problem) {
          const Json body{{"message", excerpt(problem.message, kMaxMessageBytes)}, {"code", problem.word}};
          return to_line({{"error", body}});
        },
    .credential = bearer_token,
    .place_of_key = "'Authorization: Bearer KEY'"};

Response to_response(const Problem& problem, const Dialect& dialect) {
  Response response{.status = problem.status, .body = dialect.error_body(problem)};
  if (problem.status == 429 || problem.status == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

}  // namespace maru::http
