// Reads a JSON Schema (draft 2020-12): which keywords there are, what each asks, where references lead. A keyword that
// cannot be held is refused by its name and place; none is passed over.
#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "base/json_node.h"
#include "text/grammar/json_terms.h"
#include "text/grammar/schema_constraints.h"

namespace maru::text::grammar {

/// Not thread-safe. The schema must outlive it.
class SchemaReader {
 public:
  SchemaReader(JsonNode root, JsonTerms& terms) : root_(std::move(root)), terms_(terms) {}

  /// Schemas without those that ask nothing, and with what a mere reference leads to in its place.
  Schemas simplified(const Schemas& schemas);
  /// What all of them ask together. `types` is 0 where nothing can hold.
  Constraints gathered(const Schemas& schemas);
  const JsonNode& root() const { return root_; }

 private:
  using Handler = void (SchemaReader::*)(const JsonNode& value, const JsonNode& schema);
  static const std::map<std::string_view, Handler>& handlers();
  void gather(const JsonNode& schema, size_t depth);
  JsonNode target_of(const JsonNode& reference);
  JsonNode at_anchor(const JsonNode& reference, const std::string& name);
  JsonNode at_pointer(const JsonNode& reference, std::string_view pointer);
  std::shared_ptr<const Dfa> pattern(const std::string& text, const JsonNode& value);
  void look_at(size_t count, const JsonNode& place);
  void gather_elements(const JsonNode& schema);
  void gather_members(const JsonNode& schema);
  void restrict_types(unsigned types) { now_->types &= types; }

  void nothing(const JsonNode&, const JsonNode&) {}
  void identifier(const JsonNode& value, const JsonNode& schema);
  void type(const JsonNode& value, const JsonNode& schema);
  void constant(const JsonNode& value, const JsonNode& schema);
  void enumeration(const JsonNode& value, const JsonNode& schema);
  void reference(const JsonNode& value, const JsonNode& schema);
  void all_of(const JsonNode& value, const JsonNode& schema);
  void any_of(const JsonNode& value, const JsonNode& schema);
  void one_of(const JsonNode& value, const JsonNode& schema);
  void condition(const JsonNode& value, const JsonNode& schema);
  void branch(const JsonNode& value, const JsonNode& schema);
  void negation(const JsonNode& value, const JsonNode& schema);
  void min_length(const JsonNode& value, const JsonNode& schema);
  void max_length(const JsonNode& value, const JsonNode& schema);
  void text_pattern(const JsonNode& value, const JsonNode& schema);
  void format(const JsonNode& value, const JsonNode& schema);
  void bound(const JsonNode& value, const JsonNode& schema, bool low, bool exclusive);
  void minimum(const JsonNode& v, const JsonNode& s) { bound(v, s, true, false); }
  void maximum(const JsonNode& v, const JsonNode& s) { bound(v, s, false, false); }
  void exclusive_minimum(const JsonNode& v, const JsonNode& s) { bound(v, s, true, true); }
  void exclusive_maximum(const JsonNode& v, const JsonNode& s) { bound(v, s, false, true); }
  void multiple_of(const JsonNode& value, const JsonNode& schema);
  void min_items(const JsonNode& value, const JsonNode& schema);
  void max_items(const JsonNode& value, const JsonNode& schema);
  void unique_items(const JsonNode& value, const JsonNode& schema);
  void required(const JsonNode& value, const JsonNode& schema);
  void min_properties(const JsonNode& value, const JsonNode& schema);
  void max_properties(const JsonNode& value, const JsonNode& schema);
  void property_names(const JsonNode& value, const JsonNode& schema);
  void only_if_empty(const JsonNode& value, const JsonNode& schema);
  void only_if_true(const JsonNode& value, const JsonNode& schema);
  void only_if_false(const JsonNode& value, const JsonNode& schema);

  JsonNode root_;
  JsonTerms& terms_;
  std::map<std::string, std::shared_ptr<const Dfa>> patterns_;
  // While gathering:
  Constraints* now_ = nullptr;
  std::set<const Json*> seen_;
  size_t depth_ = 0;
  size_t looked_ = 0;  // keywords and names, in all
};

/// Of a format that is known: its strings as a regular expression; empty: it is not.
std::string_view format_pattern(std::string_view name);

}  // namespace maru::text::grammar
