#include "http/request_fields.h"

#include <algorithm>

#include "base/excerpt.h"
#include "base/request_failure.h"

namespace maru::http {
namespace {

constexpr size_t kLongestName = 64;  // of those that are compared with the known ones
constexpr size_t kMaxWarnings = 16;

bool takes(const PassedField& field, const Json& value) {
  if (field.values == "*") return true;
  const std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  for (std::string_view left = field.values; !left.empty();) {
    const std::string_view one = left.substr(0, left.find('|'));
    if (one == text) return true;
    left.remove_prefix(std::min(left.size(), one.size() + 1));
  }
  return false;
}

[[noreturn]] void fail_unsupported(const PassedField& field) {
  const std::string name(field.name);
  std::string message = "'" + name + "' is not supported by this server";
  if (!field.values.empty()) message += " but for " + std::string(field.values);
  refuse(message + ": " + std::string(field.doc), name, "unsupported_parameter");
}

std::string nearest_of(const std::string& name, const BodyFields& fields) {
  if (name.size() > kLongestName) return "";
  std::vector<std::string_view> known;
  for (const auto& [one, doc] : fields.read) known.push_back(one);
  return nearest(name, known);
}

[[noreturn]] void fail_unknown(const std::string& name, const BodyFields& fields) {
  std::string message = "Unrecognized request argument supplied: " + excerpt(name);
  if (const std::string near = nearest_of(name, fields); !near.empty()) message += "; did you mean '" + near + "'?";
  refuse(message, name, "unknown_parameter");
}

/// A name as headers may hold it: a field's name may be any text.
std::string plain(std::string name) {
  for (char& c : name)
    if (c < 0x20 || c > 0x7e) c = '?';
  return name;
}

void warn(const std::string& name, const BodyFields& fields, std::vector<std::string>& warnings) {
  if (warnings.size() >= kMaxWarnings) return;
  std::string text = plain(excerpt(name, kLongestName)) + ": not known to this server, and ignored";
  if (const std::string near = nearest_of(name, fields); !near.empty()) text += "; did you mean '" + near + "'?";
  warnings.push_back(std::move(text));
}

}  // namespace

Json take_fields(Json body, const BodyFields& fields, bool ignore_unknown, std::vector<std::string>& warnings) {
  Json kept = Json::object();
  for (auto& [name, value] : body.items()) {
    const auto& read = fields.read;
    const auto& passed = fields.passed;
    if (std::any_of(read.begin(), read.end(), [&](const auto& field) { return field.first == name; })) {
      kept[name] = std::move(value);
      continue;
    }
    const auto field = std::find_if(passed.begin(), passed.end(), [&](const auto& one) { return one.name == name; });
    if (field != passed.end() && !takes(*field, value)) fail_unsupported(*field);
    if (field != passed.end()) continue;
    if (!ignore_unknown) fail_unknown(name, fields);
    warn(name, fields, warnings);
  }
  return kept;
}

}  // namespace maru::http
