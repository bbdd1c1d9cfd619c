// JSON Schemas as sets of values: alternatives resolved into cases, whether a case can hold at all, whether a value
// belongs. What the compiler asks before it writes rules.
#pragma once
#include <cstddef>
#include <optional>
#include <set>
#include <vector>

#include "base/json_node.h"
#include "text/grammar/json_terms.h"
#include "text/grammar/schema_constraints.h"
#include "text/grammar/schema_reader.h"

namespace maru::text::grammar {

/// Not thread-safe.
class SchemaSets {
 public:
  SchemaSets(SchemaReader& reader, JsonTerms& terms) : reader_(reader), terms_(terms) {}

  /// The cases of schemas that must all hold, without alternatives: a value that holds them holds at least one case.
  /// Throws where "oneOf" may hold twice: it is never taken for "anyOf".
  std::vector<Constraints> cases(const Schemas& schemas);
  /// Throws unless at most one of the alternatives can hold beside `schemas`.
  void check_exclusive(const Schemas& schemas, const Alternatives& alternatives);
  bool admits(const Schemas& schemas, const Json& value);
  bool admits(const Constraints& c, const Json& value);
  /// The same for a value of the first of the case's lists.
  bool admits_listed(const Constraints& c, const Json& value);
  /// The strings that all patterns and formats of a case, and its lengths, leave; none: any string of the length.
  std::optional<Dfa> texts(const Constraints& c);
  /// False: surely nothing holds.
  bool possible(const Schemas& schemas, size_t depth);

 private:
  using Resolved = std::set<const Json*>;
  void expand(const Schemas& schemas, const Resolved& resolved, size_t depth, std::vector<Constraints>& cases);
  void drop_impossible(Constraints& c, size_t depth);
  bool object_possible(const Constraints& c, size_t depth);
  bool list_possible(const Constraints& c, size_t depth);
  bool is_listed(const Constraints& c, size_t i, const Json& value);
  bool string_admits(const Constraints& c, const Json& value);
  bool object_admits(const Constraints& c, const Json& value);
  void spend(const JsonNode& place);

  SchemaReader& reader_;
  JsonTerms& terms_;
  size_t spent_ = 0;
};

}  // namespace maru::text::grammar
