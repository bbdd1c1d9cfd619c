#include "base/typescript.h"

#include <algorithm>

#include "base/json.h"

namespace maru {
namespace {

std::string type_of(const Json& schema);

std::string any_of(const Json& alternatives, std::string (*text)(const Json&)) {
  std::string all;
  for (const Json& one : alternatives) all += (all.empty() ? "" : " | ") + text(one);
  return all;
}

std::string array_of(const std::string& element) {
  return element.find(' ') == std::string::npos ? element + "[]" : "(" + element + ")[]";
}

std::string type_named(const std::string& name, const Json& schema) {
  if (name == "array") return array_of(type_of(schema["items"]));
  if (name == "object") return "Record<string, " + type_of(schema["additionalProperties"]) + ">";
  return name == "integer" ? "number" : name;
}

std::string type_of(const Json& schema) {
  if (const auto ref = schema.find("$ref"); ref != schema.end()) {
    const std::string place = ref->get<std::string>();
    return place.substr(place.rfind('/') + 1);
  }
  if (schema.contains("anyOf")) return any_of(schema["anyOf"], type_of);
  if (schema.contains("enum")) return any_of(schema["enum"], [](const Json& word) { return word.dump(); });
  const auto type = schema.find("type");
  if (type == schema.end()) return "unknown";
  if (type->is_string()) return type_named(type->get<std::string>(), schema);
  return type_named((*type)[0].get<std::string>(), schema) + " | null";
}

std::string line_of(const std::string& name, const Json& schema, bool may_lack) {
  std::string text;
  if (schema.contains("description")) text = "  /** " + schema["description"].get<std::string>() + " */\n";
  return text + "  " + name + (may_lack ? "?: " : ": ") + type_of(schema) + ";\n";
}

std::string interface_of(const std::string& name, const Json& schema) {
  const Json required = schema.value("required", Json::array());
  std::string text = "export interface " + name + " {\n";
  for (const auto& field : schema["properties"].items()) {
    const bool may_lack = std::find(required.begin(), required.end(), field.key()) == required.end();
    text += line_of(field.key(), field.value(), may_lack);
  }
  return text + "}\n";
}

}  // namespace

std::string typescript(const Json& schemas) {
  std::string text;
  for (const auto& one : schemas.items()) text += (text.empty() ? "" : "\n") + interface_of(one.key(), one.value());
  return text;
}

}  // namespace maru
