// For tests: whether a value is what a schema of base/schema.h says.
#pragma once
#include <algorithm>
#include <map>
#include <string>

#include "base/json.h"

namespace maru {

inline bool is_of_type(const Json& value, const std::string& type) {
  if (type == "integer")
    return value.is_number_integer() || (value.is_number() && value.get<double>() == std::floor(value.get<double>()));
  if (type == "number") return value.is_number();
  return value.type_name() == type;
}

/// Why `value` does not fit, with the path to it; empty where it fits. `all`: the schemas that references lead to.
inline std::string misfit(const Json& value, const Json& schema, const Json& all, const std::string& path = "$") {
  if (const auto ref = schema.find("$ref"); ref != schema.end()) {
    const std::string place = ref->get<std::string>();
    return misfit(value, all.at(place.substr(place.rfind('/') + 1)), all, path);
  }
  const auto fits_one = [&](const Json& one) { return misfit(value, one, all, path).empty(); };
  if (schema.contains("anyOf") && std::none_of(schema["anyOf"].begin(), schema["anyOf"].end(), fits_one))
    return path + ": none of the alternatives";
  const auto is_type = [&](const Json& type) { return is_of_type(value, type.get<std::string>()); };
  if (schema.contains("type")) {
    const Json types = schema["type"].is_array() ? schema["type"] : Json::array({schema["type"]});
    if (std::none_of(types.begin(), types.end(), is_type)) return path + ": not of type " + types.dump();
  }
  const auto same = [&](const Json& one) { return one == value; };
  if (schema.contains("enum") && std::none_of(schema["enum"].begin(), schema["enum"].end(), same))
    return path + ": none of " + schema["enum"].dump();
  if (value.is_number() && (value < schema.value("minimum", value) || schema.value("maximum", value) < value))
    return path + ": out of bounds";
  for (const Json& name : schema.value("required", Json::array()))
    if (!value.contains(name.get<std::string>())) return path + ": lacks " + name.get<std::string>();
  std::string why;
  for (size_t i = 0; value.is_array() && schema.contains("items") && i < value.size() && why.empty(); ++i)
    why = misfit(value[i], schema["items"], all, path + "[" + std::to_string(i) + "]");
  const Json properties = schema.value("properties", Json::object());
  if (value.is_object())
    for (const auto& [name, member] : value.items()) {
      const Json of_member = properties.value(name, schema.value("additionalProperties", Json::object()));
      if (why.empty()) why = misfit(member, of_member, all, path + "." + name);
    }
  return why;
}

}  // namespace maru
