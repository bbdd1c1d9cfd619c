// For tests: requests put to a router without a connection.
#pragma once
#include <string>
#include <utility>
#include <variant>

#include "base/json.h"
#include "http/router.h"

namespace maru::http {

inline Request make(Method method, std::string path, Headers headers = {}) {
  Request request;
  request.method = method;
  request.path = std::move(path);
  request.headers = std::move(headers);
  return request;
}

inline Response dispatch(const Router& router, Request request) {
  Admission admission = router.admit(request);
  Reply reply = admission.refusal ? std::move(*admission.refusal) : router.answer(request, [] {});
  Response response = std::get<Response>(std::move(reply.answer));
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
