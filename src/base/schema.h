// What a field table says, for other programs: JSON Schema (draft 2020-12, which OpenAPI 3.1 uses too).
//
// Types, ranges, choices, explanations, and what is there when nothing is said come from the table; a member of type
// Json may be anything. A struct is named as its C++ type, without namespaces.
#pragma once
#include <cmath>
#include <string>
#include <string_view>

#include "base/fields.h"
#include "base/json.h"

namespace maru {

/// Which way the values of a struct go.
enum class Way : uint8_t {
  kRead,     // by from_json: every field may be left out, and has a default
  kBody,     // by http::read_object and from_json: null means left out as well
  kWritten,  // by to_json: every field is there that is not `unless_empty`
};

namespace detail {

/// Of what the compiler calls a function template with one argument T: the last name of T.
std::string last_name(std::string_view function);
Json integer_schema(const JsonRange& range);
Json number_schema(const JsonRange& range);
Json string_schema(std::string_view choices);
/// The same, or null.
Json nullable(Json schema);
/// Whether there is something to tell: no null, no empty text, list or object.
bool is_telling(const Json& value);

template <class T>
std::string type_name() {
  return last_name(__PRETTY_FUNCTION__);
}

}  // namespace detail

/// The schemas of structs, each once, under their names.
class Schemas {
 public:
  /// `place`: what a document's references to them begin with, such as "#/$defs/".
  explicit Schemas(std::string_view place) : place_(place) {}
  /// Adds T and the structs inside it; returns a reference to it. T must not contain itself.
  template <HasFields T>
  Json add(Way way);
  /// An object from name to schema, what is contained before what contains it.
  const Json& all() const { return all_; }

 private:
  template <class T>
  Json value(const detail::Limits& limits, Way way);
  template <class C, class T>
  void add_field(const Field<C, T>& field, const T& unsaid, Way way, Json& object);
  Json keep(const std::string& name, Json schema);

  std::string place_;
  Json all_ = Json::object();
};

template <HasFields T>
Json Schemas::add(Way way) {
  Json object{{"type", "object"}, {"properties", Json::object()}};
  const T defaults{};
  std::apply([&](const auto&... f) { (add_field(f, defaults.*(f.member), way, object), ...); }, T::fields());
  return keep(detail::type_name<T>(), std::move(object));
}

template <class C, class T>
void Schemas::add_field(const Field<C, T>& field, const T& unsaid, Way way, Json& object) {
  const detail::Limits limits{{field.low, field.high}, field.choices};
  const std::string name(field.name);
  Json schema;
  if constexpr (detail::is_optional<T>::value)
    schema = field.may_lack ? value<typename T::value_type>(limits, way) : value<T>(limits, way);
  else
    schema = value<T>(limits, way);
  if (way == Way::kBody) schema = detail::nullable(std::move(schema));
  if (!field.doc.empty()) schema["description"] = field.doc;
  if (way == Way::kWritten) {
    if (!field.may_lack) object["required"].push_back(name);
  } else if constexpr (!HasFields<T>) {
    if (Json written = detail::write(unsaid); detail::is_telling(written)) schema["default"] = std::move(written);
  }
  object["properties"][name] = std::move(schema);
}

template <class T>
Json Schemas::value(const detail::Limits& limits, Way way) {
  if constexpr (HasFields<T>) {
    return add<T>(way == Way::kBody ? Way::kRead : way);
  } else if constexpr (detail::is_optional<T>::value) {
    return detail::nullable(value<typename T::value_type>(limits, way));
  } else if constexpr (detail::is_vector<T>::value) {
    return {{"type", "array"}, {"items", value<typename T::value_type>(limits, way)}};
  } else if constexpr (detail::is_map<T>::value) {
    return {{"type", "object"}, {"additionalProperties", value<typename T::mapped_type>(limits, way)}};
  } else if constexpr (std::is_same_v<T, bool>) {
    return {{"type", "boolean"}};
  } else if constexpr (std::is_integral_v<T>) {
    return detail::integer_schema(detail::within_type<T>(limits.range));
  } else if constexpr (std::is_floating_point_v<T>) {
    return detail::number_schema(limits.range);
  } else if constexpr (std::is_same_v<T, Json>) {
    return Json::object();
  } else {
    return detail::string_schema(limits.choices);
  }
}

}  // namespace maru
