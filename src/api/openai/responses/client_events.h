// The Responses API over a WebSocket: what clients say, and errors as messages. The events are those of a stream.
#pragma once
#include <string>
#include <string_view>

#include "api/openai/responses/request.h"
#include "http/http.h"

namespace maru::api::openai {

/// {"type": "response.create", …}: the fields of the body of POST /v1/responses beside it. It is always streamed.
///
/// Throws   RequestFailure, as parse_responses_request does, and naming `type` or `stream`.
ResponsesRequest parse_response_create(std::string_view message, bool ignore_unknown = false);

/// {"type": "error", "status", "error": {…}} of an answer with that status; one that is no error is sent as it is.
std::string message_of(const http::Response& response);

}  // namespace maru::api::openai
