#include "api/openai/responses/client_events.h"

#include <utility>

#include "base/request_failure.h"
#include "http/json_body.h"

namespace maru::api::openai {

ResponsesRequest parse_response_create(std::string_view message, bool ignore_unknown) {
  Json object = http::read_object(message);
  if (object.value("type", Json()) != "response.create")
    refuse("type: expected \"response.create\"", "type", "invalid_event");
  object.erase("type");
  if (object.value("stream", Json(true)) != true)
    refuse("stream: over a WebSocket every answer is streamed", "stream", "unsupported_parameter");
  object["stream"] = true;
  return read_responses_request(std::move(object), ignore_unknown);
}

std::string message_of(const http::Response& response) {
  if (response.status < 400) return response.body;
  Json message{{"type", "error"}, {"status", response.status}};
  message.update(parse_json(response.body, "error").value());
  return http::to_line(message);
}

}  // namespace maru::api::openai
