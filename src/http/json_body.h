// Bodies that are JSON: a request's into fields, an answer's onto a line. What the dialects share of it.
#pragma once
#include <string>
#include <string_view>

#include "base/fields.h"
#include "base/json.h"
#include "base/request_failure.h"

namespace maru::http {

/// A body as an object; nulls mean absent.
///
/// Throws   RequestFailure "invalid_json".
Json read_object(std::string_view body);

/// The fields of T from an object.
///
/// Throws   RequestFailure naming the field.
template <class T>
T read_fields(const Json& object) {
  return from_json<T>(JsonNode::of_request(object, ""));
}

/// JSON text on one line; bytes that are not UTF-8 become U+FFFD.
std::string to_line(const Json& json);

}  // namespace maru::http
