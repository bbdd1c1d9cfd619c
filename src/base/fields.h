// Field tables: one list of fields per struct drives JSON and YAML in and out, `key=value` overrides, checks, --help
// and the API's schema.
//
//   struct OptimConfig {
//     double lr = 3e-4;
//     std::string schedule = "cosine";
//     static constexpr auto fields() {
//       return std::tuple{field("lr", &OptimConfig::lr, "peak learning rate").range(0, 10),
//                         field("schedule", &OptimConfig::schedule, "after warm-up").one_of("cosine|wsd|constant")};
//     }
//   };
//   OptimConfig c = from_json<OptimConfig>(json, "recipe.yaml");       // unknown key: error with the nearest known one
//
// Field types: bool, integers, double, std::string, Json (anything), structs with fields(), and std::optional,
// std::vector or std::map from std::string of these.
#pragma once
#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include "base/json_node.h"

namespace maru {

template <class C, class T>
struct Field {
  std::string_view name;
  T C::*member;
  std::string_view doc;
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
  std::string_view choices = {};  // "a|b|c"
  bool may_lack = false;          // where it is empty

  /// Numbers must lie in [low, high].
  constexpr Field range(double lowest, double highest) const {
    return {name, member, doc, lowest, highest, choices, may_lack};
  }
  /// Strings must be one of "a|b|c".
  constexpr Field one_of(std::string_view list) const { return {name, member, doc, low, high, list, may_lack}; }
  /// An optional, a string, a list or a map that is not written while it is empty.
  constexpr Field unless_empty() const { return {name, member, doc, low, high, choices, true}; }
};

template <class C, class T>
constexpr Field<C, T> field(std::string_view name, T C::*member, std::string_view doc) {
  return {name, member, doc};
}

template <class T>
concept HasFields = requires {
  T::fields();
};

/// The closest of `known` to `word` by edit distance, or "" if nothing is near.
std::string nearest(std::string_view word, const std::vector<std::string_view>& known);

namespace detail {

template <class T>
struct is_vector : std::false_type {};
template <class T>
struct is_vector<std::vector<T>> : std::true_type {};
template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};
template <class T>
struct is_map : std::false_type {};
template <class T>
struct is_map<std::map<std::string, T>> : std::true_type {};

struct Limits {
  JsonRange range;
  std::string_view choices;
};

/// What an integer type holds, within `range`.
template <class T>
JsonRange within_type(const JsonRange& range) {
  return {std::max(range.low, static_cast<double>(std::numeric_limits<T>::min())),
          std::min(range.high, static_cast<double>(std::numeric_limits<T>::max()))};
}

void refuse_unknown_keys(const JsonNode& node, const std::vector<std::string_view>& known);
std::string read_choice(const JsonNode& node, std::string_view choices);
void merge_override(Json& root, std::string_view assignment);

template <class T>
std::vector<std::string_view> names_of() {
  return std::apply([](const auto&... f) { return std::vector<std::string_view>{f.name...}; }, T::fields());
}

template <class T>
void read(T& to, const JsonNode& node, const Limits& limits = {});

template <class T>
void read_struct(T& to, const JsonNode& node) {
  refuse_unknown_keys(node.object(), names_of<T>());
  std::apply(
      [&](const auto&... f) {
        const auto one = [&](const auto& f1) {
          const JsonNode value = node[f1.name];
          if (!value.is_missing()) read(to.*(f1.member), value, Limits{{f1.low, f1.high}, f1.choices});
        };
        (one(f), ...);
      },
      T::fields());
}

template <class T>
void read(T& to, const JsonNode& node, const Limits& limits) {
  if constexpr (HasFields<T>) {
    read_struct(to, node);
  } else if constexpr (is_optional<T>::value) {
    if (node.is_null()) return to.reset();
    read(to.emplace(), node, limits);
  } else if constexpr (is_vector<T>::value) {
    to.clear();
    for (size_t i = 0; i < node.size(); ++i) {
      typename T::value_type element{};
      read(element, node.at(i), limits);
      to.push_back(std::move(element));
    }
  } else if constexpr (is_map<T>::value) {
    to.clear();
    for (const auto& [key, value] : node.members()) read(to[key], value, limits);
  } else if constexpr (std::is_same_v<T, bool>) {
    to = node.boolean();
  } else if constexpr (std::is_integral_v<T>) {
    to = static_cast<T>(node.integer(within_type<T>(limits.range)));
  } else if constexpr (std::is_floating_point_v<T>) {
    to = static_cast<T>(node.number(limits.range));
  } else if constexpr (std::is_same_v<T, Json>) {
    to = node.json();
  } else {
    to = read_choice(node, limits.choices);
  }
}

template <class T>
bool is_empty(const T& value) {
  if constexpr (is_optional<T>::value)
    return !value.has_value();
  else if constexpr (requires { value.empty(); })
    return value.empty();
  else
    return false;
}

template <class T>
Json write(const T& value) {
  if constexpr (HasFields<T>) {
    Json object = Json::object();
    const auto one = [&](const auto& f) {
      const auto& member = value.*(f.member);
      if (!f.may_lack || !is_empty(member)) object[std::string(f.name)] = write(member);
    };
    std::apply([&](const auto&... f) { (one(f), ...); }, T::fields());
    return object;
  } else if constexpr (is_optional<T>::value) {
    return value ? write(*value) : Json(nullptr);
  } else if constexpr (is_vector<T>::value) {
    Json array = Json::array();
    for (const auto& element : value) array.push_back(write(element));
    return array;
  } else if constexpr (is_map<T>::value) {
    Json object = Json::object();
    for (const auto& [key, element] : value) object[key] = write(element);
    return object;
  } else {
    return Json(value);
  }
}

template <class T>
void describe(const T& value, const std::string& prefix, std::string& text) {
  std::apply(
      [&](const auto&... f) {
        const auto one = [&](const auto& f1) {
          const auto& member = value.*(f1.member);
          const std::string name = prefix + std::string(f1.name);
          if constexpr (HasFields<std::decay_t<decltype(member)>>) {
            describe(member, name + ".", text);
          } else {
            std::string line = "  " + name + " = " + write(member).dump();
            line.resize(std::max<size_t>(line.size() + 2, 44), ' ');
            text += line + std::string(f1.doc);
            if (!f1.choices.empty()) text += " (" + std::string(f1.choices) + ")";
            text += "\n";
          }
        };
        (one(f), ...);
      },
      T::fields());
}

}  // namespace detail

/// Reads a struct over its defaults. Throws what the node throws: `where: optim.lr: expected a number from 0 to 10, got
/// "abc"`.
template <HasFields T>
T from_json(const JsonNode& node) {
  T value;
  detail::read_struct(value, node);
  return value;
}
/// The same; throws kInvalidArgument.
template <HasFields T>
T from_json(const Json& json, std::string_view where) {
  return from_json<T>(JsonNode(json, std::string(where)));
}

template <HasFields T>
Json to_json(const T& value) {
  return detail::write(value);
}

/// Applies "optim.lr=1e-3" overrides (values are YAML) to a recipe before it is read.
void apply_overrides(Json& recipe, const std::vector<std::string>& assignments);

/// One line per field: name, default, explanation. For --help and the docs.
template <HasFields T>
std::string describe_fields(const T& defaults = {}) {
  std::string text;
  detail::describe(defaults, "", text);
  return text;
}

}  // namespace maru
