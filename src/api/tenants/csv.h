// Tables as CSV (RFC 4180), of structs with a field table.
#pragma once
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/fields.h"

namespace maru::api::tenants {

/// A cell. Programs that open tables take a text which begins with one of "=+-@" for a formula: such a text gets an
/// apostrophe in front.
std::string csv_cell(std::string_view text);

template <class T>
std::string csv(const std::vector<T>& rows) {
  std::string text;
  const auto names = detail::names_of<T>();
  for (const std::string_view name : names) text += (text.empty() ? "" : ",") + std::string(name);
  text += "\r\n";
  for (const T& row : rows) {
    const Json json = to_json(row);
    const char* comma = "";
    for (const std::string_view name : names) {
      const Json& value = json.at(std::string(name));
      text += comma + (value.is_string() ? csv_cell(value.get<std::string>()) : value.dump());
      comma = ",";
    }
    text += "\r\n";
  }
  return text;
}

}  // namespace maru::api::tenants
