#include "text/grammar/schema_sets.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/utf8.h"
#include "text/grammar/byte_dfa.h"

namespace maru::text::grammar {
namespace {

constexpr size_t kProofDepth = 4;  // how deep inside of values it is asked whether anything holds

unsigned type_of(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null: return json_types::kNull;
    case Json::value_t::boolean: return json_types::kBoolean;
    case Json::value_t::string: return json_types::kString;
    case Json::value_t::array: return json_types::kArray;
    case Json::value_t::object: return json_types::kObject;
    default: break;
  }
  const auto decimal = decimal_of(value);
  const bool whole =
      decimal ? decimal->is_integer() : std::abs(value.get<double>()) > 1;  // no digits but before the point
  return whole ? json_types::kInteger : json_types::kFraction;
}

bool within(uint64_t size, const Count& count) { return size >= count.min && size <= count.max; }

Schemas joined(Schemas a, const JsonNode& b) {
  a.push_back(b);
  return a;
}

}  // namespace

void SchemaSets::spend(const JsonNode& place) {
  if (++spent_ > kMaxCombinations) place.refuse("too many combinations of alternatives hold at once");
}

std::vector<Constraints> SchemaSets::cases(const Schemas& schemas) {
  std::vector<Constraints> found;
  expand(schemas, {}, 0, found);
  return found;
}

void SchemaSets::expand(const Schemas& schemas, const Resolved& resolved, size_t depth,
                        std::vector<Constraints>& cases) {
  Constraints c = reader_.gathered(schemas);
  spend(c.place);
  drop_impossible(c, depth);
  if (c.types == 0) return;
  const auto open = std::find_if(c.alternatives.begin(), c.alternatives.end(),
                                 [&](const Alternatives& a) { return !resolved.contains(&a.place.json()); });
  if (open == c.alternatives.end()) {
    cases.push_back(std::move(c));
    return;
  }
  if (resolved.size() > kMaxDepth) open->place.refuse("alternatives hold at once too deep");
  Resolved with = resolved;
  with.insert(&open->place.json());
  if (open->exactly) check_exclusive(schemas, *open);
  for (const JsonNode& schema : open->schemas) expand(joined(schemas, schema), with, depth, cases);
}

void SchemaSets::check_exclusive(const Schemas& schemas, const Alternatives& alternatives) {
  const auto& list = alternatives.schemas;
  for (size_t i = 0; i < list.size(); ++i) {
    for (size_t k = i + 1; k < list.size(); ++k) {
      Schemas both = joined(joined(schemas, list[i]), list[k]);
      // The alternatives themselves are settled: each of the two holds.
      std::vector<Constraints> found;
      expand(both, {&alternatives.place.json()}, 1, found);
      if (!found.empty())
        alternatives.place.refuse("\"oneOf\" is not supported where two may hold at once, here " + std::to_string(i) +
                                  " and " + std::to_string(k) + "; \"anyOf\" is");
    }
  }
}

bool SchemaSets::possible(const Schemas& schemas, size_t depth) {
  if (depth > kProofDepth) return true;
  Constraints c = reader_.gathered(schemas);
  spend(c.place);
  drop_impossible(c, depth);
  if (c.types == 0) return false;
  if (c.alternatives.empty()) return true;
  // Enough to know that one of each can hold beside the rest.
  return std::all_of(c.alternatives.begin(), c.alternatives.end(), [&](const Alternatives& a) {
    return std::any_of(a.schemas.begin(), a.schemas.end(), [&](const JsonNode& schema) {
      Constraints one = reader_.gathered(joined(schemas, schema));
      spend(one.place);
      drop_impossible(one, depth + 1);
      return one.types != 0;
    });
  });
}

void SchemaSets::drop_impossible(Constraints& c, size_t depth) {
  if (c.types == 0) return;
  if (!c.values.empty()) {
    const auto& list = c.values[0];
    unsigned types = 0;
    for (const Json* value : list)
      if (admits_listed(c, *value)) types |= type_of(*value);
    c.types &= types;
    return;
  }
  const auto drop = [&](unsigned type, bool impossible) {
    if ((c.types & type) != 0 && impossible) c.types &= ~type;
  };
  drop(json_types::kString, c.length.min > c.length.max);
  if ((c.types & json_types::kString) != 0 && !c.texts.empty()) {
    const auto left = texts(c);
    drop(json_types::kString, left && left->empty());
  }
  drop(json_types::kFraction, c.range.multiple_of > 0);
  const auto& [low, high, multiple_of, integer] = c.range;
  drop(json_types::kNumber,
       low && high && (low->value > high->value || (low->value == high->value && (low->exclusive || high->exclusive))));
  drop(json_types::kArray, !list_possible(c, depth));
  drop(json_types::kObject, !object_possible(c, depth));
}

bool SchemaSets::list_possible(const Constraints& c, size_t depth) {
  if (c.elements.min > c.elements.max) return false;
  size_t prefix = 0;
  for (const ElementSchemas& list : c.lists) prefix = std::max(prefix, list.prefix.size());
  for (size_t i = 0; i < std::min<uint64_t>(prefix + 1, c.elements.min) && (c.types & json_types::kArray) != 0; ++i)
    if (!possible(element_schemas(c, i), depth + 1)) return false;
  return true;
}

bool SchemaSets::object_possible(const Constraints& c, size_t depth) {
  if (c.members.min > c.members.max || c.required.size() > c.members.max) return false;
  if ((c.types & json_types::kObject) == 0) return true;
  return std::all_of(c.required.begin(), c.required.end(),
                     [&](const std::string& name) { return possible(member_schemas(c, name), depth + 1); });
}

std::optional<Dfa> SchemaSets::texts(const Constraints& c) {
  if (c.texts.empty()) return std::nullopt;
  Dfa all = *c.texts[0];
  for (size_t i = 1; i < c.texts.size(); ++i) {
    auto both = product(all, *c.texts[i], false, terms_.work());
    if (!both) c.place.refuse("the patterns together are too large to follow");
    all = std::move(*both);
  }
  auto made = with_length(all, c.length.min, c.length.max, terms_.work());
  if (!made) c.place.refuse("the pattern with minLength or maxLength is too large to follow");
  return made;
}

bool SchemaSets::admits(const Schemas& schemas, const Json& value) {
  const auto found = cases(schemas);
  return std::any_of(found.begin(), found.end(), [&](const Constraints& c) { return admits(c, value); });
}

bool SchemaSets::admits(const Constraints& c, const Json& value) {
  if (!c.values.empty() && !is_listed(c, 0, value)) return false;
  return admits_listed(c, value);
}

bool SchemaSets::is_listed(const Constraints& c, size_t i, const Json& value) {
  const auto& list = c.values[i];
  if (!terms_.work().spend(list.size())) c.place.refuse("so many values in several lists are not supported");
  return std::any_of(list.begin(), list.end(), [&](const Json* one) { return equal_values(*one, value); });
}

bool SchemaSets::admits_listed(const Constraints& c, const Json& value) {
  if (value.is_structured()) spend(c.place);
  const unsigned type = type_of(value);
  if ((c.types & type) == 0) return false;
  for (size_t i = 1; i < c.values.size(); ++i)
    if (!is_listed(c, i, value)) return false;
  if (value.is_string()) return string_admits(c, value);
  if (value.is_object()) return object_admits(c, value);
  if (value.is_number()) {
    const auto decimal = decimal_of(value);
    if (decimal) return c.range.contains(*decimal);
    return c.range.unlimited() || !c.range.multiple_of;
  }
  if (!value.is_array()) return true;
  if (!within(value.size(), c.elements)) return false;
  for (size_t i = 0; c.unique && i < value.size(); ++i)
    for (size_t k = 0; k < i; ++k)
      if (equal_values(value[i], value[k])) return false;
  for (size_t i = 0; i < value.size(); ++i)
    if (!admits(element_schemas(c, i), value[i])) return false;
  return true;
}

bool SchemaSets::string_admits(const Constraints& c, const Json& value) {
  const auto& text = value.get_ref<const std::string&>();
  if (!within(count_code_points(text), {c.length.min, c.length.max})) return false;
  const auto symbols = symbols_of_text(text);
  return std::all_of(c.texts.begin(), c.texts.end(), [&](const auto& dfa) { return accepts(*dfa, symbols); });
}

bool SchemaSets::object_admits(const Constraints& c, const Json& value) {
  if (!within(value.size(), c.members)) return false;
  for (const std::string& name : c.required)
    if (!value.contains(name)) return false;
  for (auto it = value.begin(); it != value.end(); ++it)
    if (!admits(member_schemas(c, it.key()), *it) || !admits(c.names, Json(it.key()))) return false;
  return true;
}

}  // namespace maru::text::grammar
