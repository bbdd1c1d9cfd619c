// Errors as the OpenAI clients expect them: {"error": {"message", "type", "param", "code"}} with an HTTP status.
#pragma once
#include <string>
#include <string_view>

#include "base/error.h"
#include "server/http.h"

namespace maru::server {

struct ApiError {
  int status = 400;
  std::string message;
  std::string type = "invalid_request_error";
  std::string param;  // the request field at fault; empty: null
  std::string code;   // a word for programs, e.g. "model_not_found"; empty: null
};

/// Thrown by handlers when the error has more to say than a Failure can.
class ApiFailure : public Failure {
 public:
  explicit ApiFailure(ApiError error);
  const ApiError& api_error() const { return api_error_; }

 private:
  ApiError api_error_;
};

/// The table from error codes to HTTP status, OpenAI type and code.
ApiError to_api_error(const Error& error);
/// What clients send is repeated to them, and written to logs, but not megabytes of it.
inline constexpr size_t kMaxMessageBytes = 1200, kMaxParamBytes = 200;

/// {"error": {…}} as text, one line.
std::string error_body(const ApiError& error);
Response to_response(const ApiError& error);
/// What an exception becomes; call inside a catch block. Failures keep their code, anything else is a 500.
ApiError current_api_error();

}  // namespace maru::server
