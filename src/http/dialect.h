// How an API speaks where its handlers are not asked: when a request is refused by its head, or on the way.
#pragma once
#include <string>
#include <string_view>

#include "base/json_fwd.h"
#include "http/http.h"
#include "http/problem.h"

namespace maru {
class Schemas;
}

namespace maru::http {

/// Constant, and outlives the server.
struct Dialect {
  /// The body of an error, JSON on one line.
  std::string (*error_body)(const Problem&);
  /// The key that a request brings; empty: none.
  std::string_view (*credential)(const Request&);
  /// Where clients put it, as the refusal tells them.
  std::string_view place_of_key;
  /// Adds the schema of that body: http::error_schema<T> (http/json_body.h). Null: not told.
  Json (*error_schema)(Schemas&) = nullptr;
  /// What programs look for in an error's head, beside its body. Null: nothing.
  Headers (*error_headers)(const Problem&) = nullptr;
  /// The status where it is another than the problem's. Null: it never is.
  int (*status)(const Problem&) = nullptr;
};

/// `Authorization: Bearer KEY` (RFC 6750 §2.1).
std::string_view bearer_token(const Request& request);

/// {"error": {"message", "code"}}: of a server that speaks no API yet.
extern const Dialect kPlain;

Response to_response(const Problem& problem, const Dialect& dialect);

}  // namespace maru::http
