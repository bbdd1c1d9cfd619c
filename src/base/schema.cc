#include "base/schema.h"

#include <algorithm>
#include <cmath>

namespace maru {
namespace detail {
namespace {

// Bounds at the ends of 64 bits are those of the type, and doubles do not hold them.
constexpr double kUnbounded = 9e18;

Json plain(double x) { return x == std::floor(x) && std::abs(x) < 1e15 ? Json(static_cast<int64_t>(x)) : Json(x); }

Json with_bounds(const char* type, const JsonRange& range) {
  Json schema{{"type", type}};
  if (range.low > -kUnbounded) schema["minimum"] = plain(range.low);
  if (range.high < kUnbounded) schema["maximum"] = plain(range.high);
  return schema;
}

}  // namespace

// "… [with T = maru::Recipe; …]" of GCC, "… [T = maru::Recipe]" of clang.
std::string last_name(std::string_view function) {
  constexpr std::string_view kBefore = "T = ";
  const size_t begin = function.find(kBefore);
  CHECK(begin != std::string_view::npos);
  const std::string_view name = function.substr(begin + kBefore.size());
  const std::string_view whole = name.substr(0, name.find_first_of(";]"));
  return std::string(whole.substr(whole.rfind(':') + 1));
}

Json integer_schema(const JsonRange& range) { return with_bounds("integer", range); }
Json number_schema(const JsonRange& range) { return with_bounds("number", range); }

Json string_schema(std::string_view choices) {
  Json schema{{"type", "string"}};
  for (std::string_view left = choices; !left.empty();) {
    const std::string_view one = left.substr(0, left.find('|'));
    schema["enum"].push_back(one);
    left.remove_prefix(std::min(left.size(), one.size() + 1));
  }
  return schema;
}

Json nullable(Json schema) {
  if (schema.contains("$ref")) return {{"anyOf", Json::array({schema, Json{{"type", "null"}}})}};
  if (!schema.contains("type") || schema["type"].is_array()) return schema;  // anything, or null already
  schema["type"] = Json::array({schema["type"], "null"});
  if (schema.contains("enum")) schema["enum"].push_back(nullptr);
  return schema;
}

bool is_telling(const Json& value) {
  return !value.is_null() && value != "" && !(value.is_structured() && value.empty());
}

}  // namespace detail

Json Schemas::keep(const std::string& name, Json schema) {
  Json& kept = all_[name];
  if (!kept.is_null() && kept != schema)
    throw Failure(ErrorCode::kInternal, "two structs are called " + name +
                                            ", and have other fields; in a document one "
                                            "would be taken for the other");
  kept = std::move(schema);
  return {{"$ref", place_ + name}};
}

}  // namespace maru
