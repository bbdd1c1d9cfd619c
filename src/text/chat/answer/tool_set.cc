#include "text/chat/answer/tool_set.h"

#include <set>

#include "base/json.h"

namespace maru::text {
namespace {

constexpr int kMaxDepth = 8;  // of alternatives within alternatives

const Json& at(const Json& object, const char* key) {
  static const Json kNone;
  if (!object.is_object()) return kNone;
  const auto it = object.find(key);
  return it == object.end() ? kNone : *it;
}

void add_type(const Json& type, std::set<std::string>& to) {
  if (type.is_string()) to.insert(type.get<std::string>());
}

/// Types that a schema allows: its own, those of its alternatives, and of the values it lists.
void add_types(const Json& schema, std::set<std::string>& to, int depth = 0) {
  if (depth == kMaxDepth) return;
  add_type(at(schema, "type"), to);
  if (const Json& types = at(schema, "type"); types.is_array())
    for (const Json& type : types) add_type(type, to);
  for (const char* key : {"anyOf", "oneOf", "allOf"})
    if (const Json& schemas = at(schema, key); schemas.is_array())
      for (const Json& one : schemas) add_types(one, to, depth + 1);
  if (const Json& values = at(schema, "enum"); values.is_array() && at(schema, "type").is_null())
    for (const Json& value : values) to.insert(value.is_string() ? "string" : value.is_null() ? "null" : "other");
}

ToolSet::Value kind_of_schema(const Json& schema) {
  std::set<std::string> types;
  add_types(schema, types);
  if (types.empty()) return ToolSet::Value::kText;
  if (!types.contains("string")) return ToolSet::Value::kJson;
  return types.contains("null") ? ToolSet::Value::kTextUnlessNull : ToolSet::Value::kText;
}

}  // namespace

ToolSet::ToolSet(const Json& tools) {
  if (!tools.is_array()) return;
  for (const Json& tool : tools) {
    const Json& function = at(tool, "function");
    const Json& name = at(function, "name");
    if (!name.is_string()) continue;
    Parameters& parameters = tools_[name.get<std::string>()];
    if (const Json& properties = at(at(function, "parameters"), "properties"); properties.is_object())
      for (const auto& [key, schema] : properties.items()) parameters[key] = kind_of_schema(schema);
  }
}

ToolSet::Value ToolSet::kind_of(std::string_view tool, std::string_view parameter) const {
  const auto it = tools_.find(tool);
  if (it == tools_.end()) return Value::kText;
  const auto found = it->second.find(parameter);
  return found == it->second.end() ? Value::kText : found->second;
}

}  // namespace maru::text
