// Bodies that are JSON: a request's into fields, an answer's onto a line. What the dialects share of it.
#pragma once
#include <string>
#include <string_view>

#include "base/fields.h"
#include "base/json.h"
#include "base/request_failure.h"
#include "base/schema.h"

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

/// The schema of a body that is read so.
template <class T>
Json body_schema(Schemas& schemas) {
  return schemas.add<T>(Way::kBody);
}

/// The schema of an error that is sent as a T.
template <class T>
Json error_schema(Schemas& schemas) {
  return schemas.add<T>(Way::kWritten);
}

/// JSON text on one line; bytes that are not UTF-8 become U+FFFD.
std::string to_line(const Json& json);

}  // namespace maru::http
