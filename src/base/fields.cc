#include "base/fields.h"

#include <algorithm>
#include <numeric>

#include "base/excerpt.h"

namespace maru {
namespace {

constexpr size_t kMaxWord = 64;  // longer ones are no slip of the pen, and the distance costs their product

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({replace, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

std::string range_text(const detail::Limits& limits) {
  const auto number = [](double d) {
    return d == std::floor(d) && std::abs(d) < 1e15 ? std::to_string(static_cast<int64_t>(d)) : Json(d).dump();
  };
  if (std::isinf(limits.high)) return " of at least " + number(limits.low);
  if (std::isinf(limits.low)) return " of at most " + number(limits.high);
  return " from " + number(limits.low) + " to " + number(limits.high);
}

bool inside(double value, const detail::Limits& limits) { return value >= limits.low && value <= limits.high; }

bool listed(std::string_view choices, std::string_view word) {
  for (size_t at = 0; at <= choices.size();) {
    const size_t bar = std::min(choices.find('|', at), choices.size());
    if (choices.substr(at, bar - at) == word) return true;
    at = bar + 1;
  }
  return false;
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string_view>& known) {
  std::string best;
  if (word.size() > kMaxWord) return best;
  size_t distance = std::max<size_t>(2, word.size() / 2) + 1;
  for (std::string_view candidate : known)
    if (const size_t d = edit_distance(word, candidate); d < distance) distance = d, best = candidate;
  return best;
}

namespace detail {

void field_error(const std::string& path, const std::string& expected, const Json& got) {
  throw Failure(ErrorCode::kInvalidArgument, path + (path.empty() || path.ends_with(": ") ? "" : ": ") + "expected " +
                                                 expected + ", got " + brief(got));
}

void unknown_key(const std::string& path, std::string_view key, const std::vector<std::string_view>& known) {
  std::string message =
      path + (path.empty() || path.ends_with(": ") ? "" : ": ") + "unknown key \"" + excerpt(key) + "\"";
  if (const std::string near = nearest(key, known); !near.empty()) message += "; did you mean \"" + near + "\"?";
  throw Failure(ErrorCode::kInvalidArgument, message);
}

std::string path_below(const std::string& path, const std::string& key) { return path + "." + excerpt(key); }

void read_bool(bool& to, const Json& json, const std::string& path) {
  if (!json.is_boolean()) field_error(path, "true or false", json);
  to = json.get<bool>();
}

void read_integer(int64_t& to, const Json& json, const std::string& path, const Limits& limits) {
  const bool whole =
      json.is_number_integer() || (json.is_number_float() && json.get<double>() == std::floor(json.get<double>()) &&
                                   std::abs(json.get<double>()) < 9e15);
  const bool huge =
      json.is_number_unsigned() && json.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (!whole || huge) field_error(path, "a whole number", json);
  to = json.get<int64_t>();
  if (!inside(static_cast<double>(to), limits)) field_error(path, "a whole number" + range_text(limits), json);
}

void read_number(double& to, const Json& json, const std::string& path, const Limits& limits) {
  if (!json.is_number()) field_error(path, "a number", json);
  to = json.get<double>();
  if (!inside(to, limits)) field_error(path, "a number" + range_text(limits), json);
}

void read_string(std::string& to, const Json& json, const std::string& path, const Limits& limits) {
  if (!json.is_string()) field_error(path, "a string", json);
  to = json.get<std::string>();
  if (limits.choices.empty() || listed(limits.choices, to)) return;
  std::string choices(limits.choices);
  std::replace(choices.begin(), choices.end(), '|', ' ');
  field_error(path, "one of: " + choices, json);
}

void merge_override(Json& root, std::string_view assignment) {
  const size_t equals = assignment.find('=');
  if (equals == std::string_view::npos || equals == 0)
    throw Failure(ErrorCode::kInvalidArgument, "override \"" + excerpt(assignment) + "\": expected key=value");
  Json* at = &root;
  std::string_view path = assignment.substr(0, equals);
  for (size_t dot; (dot = path.find('.')) != std::string_view::npos; path.remove_prefix(dot + 1)) {
    at = &(*at)[std::string(path.substr(0, dot))];
    if (!at->is_object() && !at->is_null())
      throw Failure(ErrorCode::kInvalidArgument, "override \"" + excerpt(assignment) +
                                                     "\": " + std::string(path.substr(0, dot)) + " is not a section");
  }
  (*at)[std::string(path)] = parse_yaml(assignment.substr(equals + 1), "override " + excerpt(assignment)).value();
}

}  // namespace detail

void apply_overrides(Json& recipe, const std::vector<std::string>& assignments) {
  if (recipe.is_null()) recipe = Json::object();
  for (const std::string& assignment : assignments) detail::merge_override(recipe, assignment);
}

}  // namespace maru
