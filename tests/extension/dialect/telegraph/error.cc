#include "telegraph/error.h"

#include "base/excerpt.h"
#include "http/json_body.h"

namespace maru::api::telegraph {
namespace {

std::string error_body(const http::Problem& problem) {
  const Json fault{{"number", problem.status},
                   {"where", excerpt(problem.field, kMaxFieldBytes)},
                   {"reason", excerpt(problem.message, kMaxMessageBytes)}};
  return http::to_line({{"fault", fault}});
}

std::string_view key_of(const http::Request& request) { return http::trim_blanks(request.header("telegraph-key")); }

}  // namespace

const http::Dialect kDialect{.error_body = error_body, .credential = key_of, .place_of_key = "'telegraph-key: KEY'"};

}  // namespace maru::api::telegraph
