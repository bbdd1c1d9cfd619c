// A JSON Schema as rules.
#pragma once
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "base/json_node.h"
#include "text/grammar/json_terms.h"
#include "text/grammar/schema_reader.h"
#include "text/grammar/schema_sets.h"

namespace maru::text::grammar {

/// Each set of schemas that must hold at one place becomes a rule, once: so references, recursive or repeated, cost
/// what they are, not what they unfold to. Not thread-safe.
class SchemaCompiler {
 public:
  using Expr = Rules::Expr;
  /// `schema` must outlive it. `compact`: no white space between words.
  SchemaCompiler(const JsonNode& schema, Rules& rules, bool compact)
      : terms_(rules, compact), reader_(schema, terms_), sets_(reader_, terms_), rules_(rules) {}
  /// What the schema describes; never() if that is nothing.
  Expr run();

 private:
  Expr value_of(const Schemas& schemas);
  Expr body_of(const Schemas& schemas);
  Expr case_of(const Constraints& c);
  Expr number_of(const Constraints& c);
  Expr string_of(const Constraints& c);
  Expr list_of(const Constraints& c);

  JsonTerms terms_;
  SchemaReader reader_;
  SchemaSets sets_;
  Rules& rules_;
  std::map<std::vector<const Json*>, uint32_t> known_;
  std::vector<std::pair<uint32_t, Schemas>> open_;
  friend class ObjectCompiler;
};

/// The members of one case of an object: those with names in the schema's order, then the others.
class ObjectCompiler {
 public:
  using Expr = Rules::Expr;
  ObjectCompiler(SchemaCompiler& compiler, const Constraints& c);
  Expr run();

 private:
  struct Member {
    Expr expr;
    bool required;
  };
  /// Names that the same schemas hold for.
  struct Cell {
    std::optional<Dfa> names;  // none: all
    std::vector<bool> patterns;
  };
  void find_members();
  void find_others();
  std::vector<Cell> first_cells();
  Schemas schemas_of(const Cell& cell) const;
  std::vector<Cell> split(std::vector<Cell> cells, const Dfa& pattern);
  Expr others_behind(uint64_t count);
  void check_counts();

  SchemaCompiler& compiler_;
  JsonTerms& terms_;
  Rules& rules_;
  const Constraints& c_;
  std::vector<std::string> names_;
  std::vector<Member> members_;
  Expr other_;
  Count count_;
};

}  // namespace maru::text::grammar
