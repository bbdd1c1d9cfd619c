// For tests: requests put to a router without a connection.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/json.h"
#include "http/current_response.h"
#include "http/router.h"

namespace maru::http {

inline Request make(Method method, std::string path, Headers headers = {}) {
  Request request;
  request.method = method;
  request.path = std::move(path);
  request.headers = std::move(headers);
  return request;
}

/// What a connection makes of it: the whole of a file.
inline Response response_of(Reply& reply) {
  const auto* file = std::get_if<FileAnswer>(&reply.answer);
  if (file == nullptr) return std::get<Response>(std::move(reply.answer));
  Response response{.status = file->status, .content_type = file->content_type, .body = "", .headers = file->headers};
  response.body.resize(file->length);
  file->file->read(file->offset, response.body);
  return response;
}

/// Puts the body into its sink where the route has one, as a connection does.
inline void fill_sink(const MakeSink& make, Request& request, const Dialect& dialect, std::optional<Reply>& refusal) {
  try {
    const std::string body = std::exchange(request.body, {});
    std::shared_ptr<BodySink> sink = make(request);
    sink->write(body);
    sink->finish();
    request.sink = std::move(sink);
  } catch (...) {
    refusal.emplace();
    refusal->answer = response_to_current(dialect);
  }
}

inline Response dispatch(const Router& router, Request request) {
  Admission admission = router.admit(request);
  if (!admission.refusal && admission.sink != nullptr)
    fill_sink(*admission.sink, request, *admission.dialect, admission.refusal);
  Reply reply = admission.refusal ? std::move(*admission.refusal) : router.answer(request, [] {});
  Response response = response_of(reply);
  for (auto& header : reply.headers) response.headers.push_back(header);
  return response;
}

/// GET of a target as it stands in a request line, its query included.
inline Response get(const Router& router, std::string_view target) {
  Request request;
  parse_target(target, request).value();
  return dispatch(router, std::move(request));
}

inline Json json_of(const Response& response) { return parse_json(response.body, "body").value(); }

}  // namespace maru::http
