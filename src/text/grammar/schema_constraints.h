// What a JSON Schema asks of each kind of value, gathered from all schemas that must hold at once.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json_node.h"
#include "text/grammar/automaton.h"
#include "text/grammar/number_range.h"
#include "text/grammar/rules.h"

namespace maru::text::grammar {

/// Schemas that must all hold for a value; none: any value will do.
using Schemas = std::vector<JsonNode>;

namespace json_types {
inline constexpr unsigned kNull = 1, kBoolean = 2, kInteger = 4, kFraction = 8, kString = 16, kArray = 32, kObject = 64;
inline constexpr unsigned kNumber = kInteger | kFraction, kAll = 127;
}  // namespace json_types

/// How many members or elements.
struct Count {
  uint64_t min = 0, max = kUnbounded;
  bool any() const { return min == 0 && max == kUnbounded; }
};

/// Keywords of one schema that speak of each other.
struct ElementSchemas {
  std::vector<JsonNode> prefix;
  std::optional<JsonNode> rest;
};
struct MemberSchemas {
  std::vector<NamedNode> named;
  std::vector<std::pair<std::shared_ptr<const Dfa>, JsonNode>> patterned;
  std::optional<JsonNode> other;
};

/// One of these must hold; `exactly`: and no other.
struct Alternatives {
  std::vector<JsonNode> schemas;
  bool exactly = false;
  JsonNode place;
};

struct Constraints {
  explicit Constraints(JsonNode at) : place(std::move(at)) {}
  JsonNode place;   // for errors
  bool any = true;  // no keyword has asked anything yet, alternatives aside
  unsigned types = json_types::kAll;
  std::vector<std::vector<const Json*>> values;  // lists of which each must have it: enum and const
  Length length;
  std::vector<std::shared_ptr<const Dfa>> texts;  // patterns and formats
  NumberRange range;
  Count elements;
  std::vector<ElementSchemas> lists;
  std::optional<JsonNode> unique;
  Count members;
  std::vector<MemberSchemas> objects;
  std::vector<std::string> required;  // each once
  std::vector<JsonNode> names;        // propertyNames
  std::vector<Alternatives> alternatives;
};

bool requires_member(const Constraints& c, const std::string& name);
/// What must hold for the element at `i`; past all prefixes that is the same for all.
Schemas element_schemas(const Constraints& c, size_t i);
/// What must hold for a member of that name.
Schemas member_schemas(const Constraints& c, const std::string& name);
/// Equal as values: 1 is 1.0, and members have no order.
bool equal_values(const Json& a, const Json& b);

}  // namespace maru::text::grammar
