#include <algorithm>
#include <set>
#include <string>

#include "text/grammar/byte_dfa.h"
#include "text/grammar/schema_compiler.h"

namespace maru::text::grammar {
namespace {

constexpr size_t kMaxCells = 64, kMaxCounted = 20'000;

Dfa any_text() {
  Dfa all;
  all.states.push_back({{}, true});
  for (const CodePointRange& range : all_code_points()) all.states[0].edges.push_back({range.low, range.high, 0});
  return all;
}

uint64_t less(uint64_t count, uint64_t taken) {
  if (count == kUnbounded) return count;
  return count > taken ? count - taken : 0;
}

}  // namespace

ObjectCompiler::ObjectCompiler(SchemaCompiler& compiler, const Constraints& c)
    : compiler_(compiler),
      terms_(compiler.terms_),
      rules_(compiler.rules_),
      c_(c),
      other_(rules_.never()),
      count_(c.members) {}

void ObjectCompiler::find_members() {
  std::set<std::string> known;
  for (const MemberSchemas& object : c_.objects)
    for (const auto& [name, schema] : object.named)
      if (known.insert(name).second) names_.push_back(name);
  for (const std::string& name : c_.required)
    if (known.insert(name).second) names_.push_back(name);
  if (names_.size() > kMaxProperties)
    c_.place.refuse("expected at most " + std::to_string(kMaxProperties) + " named members");
  for (const std::string& name : names_) {
    const bool allowed = c_.names.empty() || compiler_.sets_.admits(c_.names, Json(name));
    const Expr value = allowed ? compiler_.value_of(member_schemas(c_, name)) : rules_.never();
    members_.push_back({rules_.sequence({terms_.name(name), value}), requires_member(c_, name)});
  }
}

// What propertyNames leaves, without the names that have schemas of their own.
std::vector<ObjectCompiler::Cell> ObjectCompiler::first_cells() {
  std::vector<Cell> cells;
  if (c_.names.empty()) cells.push_back({std::nullopt, {}});
  for (const Constraints& c : c_.names.empty() ? std::vector<Constraints>() : compiler_.sets_.cases(c_.names)) {
    if ((c.types & json_types::kString) == 0) continue;
    std::vector<std::vector<uint32_t>> texts;
    for (const Json* value : c.values.empty() ? std::vector<const Json*>() : c.values[0])
      if (value->is_string() && compiler_.sets_.admits_listed(c, *value))
        texts.push_back(symbols_of_text(value->get_ref<const std::string&>()));
    std::optional<Dfa> names = c.values.empty() ? compiler_.sets_.texts(c) : dfa_of(texts);
    if (!names) names = with_length(any_text(), c.length.min, c.length.max, terms_.work());
    if (!names) c.place.refuse("names of so bounded a length are not supported");
    cells.push_back({std::move(names), {}});
  }
  if (names_.empty()) return cells;
  std::vector<std::vector<uint32_t>> named;
  for (const std::string& name : names_) named.push_back(symbols_of_text(name));
  for (Cell& cell : cells) {
    cell.names = product(cell.names.value_or(any_text()), dfa_of(named), true, terms_.work());
    if (!cell.names) throw TooLarge("the set of names is too large to follow");
  }
  return cells;
}

std::vector<ObjectCompiler::Cell> ObjectCompiler::split(std::vector<Cell> cells, const Dfa& pattern) {
  std::vector<Cell> made;
  for (Cell& cell : cells) {
    const Dfa names = cell.names ? *cell.names : any_text();
    for (const bool matches : {true, false}) {
      auto part = product(names, pattern, !matches, terms_.work());
      if (!part) c_.place.refuse("\"patternProperties\" is too large to follow");
      if (part->empty()) continue;
      made.push_back({std::move(part), cell.patterns});
      made.back().patterns.push_back(matches);
    }
  }
  if (made.size() > kMaxCells) c_.place.refuse("\"patternProperties\" has too many patterns that overlap");
  return made;
}

Schemas ObjectCompiler::schemas_of(const Cell& cell) const {
  Schemas all;
  size_t i = 0;
  for (const MemberSchemas& object : c_.objects) {
    bool matched = false;
    for (const auto& [pattern, schema] : object.patterned)
      if (cell.patterns[i++]) all.push_back(schema), matched = true;
    if (!matched && object.other) all.push_back(*object.other);
  }
  return all;
}

void ObjectCompiler::find_others() {
  std::vector<Cell> cells = first_cells();
  for (const MemberSchemas& object : c_.objects)
    for (const auto& [pattern, schema] : object.patterned) cells = split(std::move(cells), *pattern);
  std::vector<Expr> parts;
  for (const Cell& cell : cells) {
    const Schemas schemas = schemas_of(cell);
    if (!compiler_.sets_.possible(schemas, 0)) continue;
    const Expr name = cell.names ? terms_.name(*cell.names) : terms_.any_name();
    parts.push_back(rules_.sequence({name, compiler_.value_of(schemas)}));
  }
  other_ = rules_.any_of(std::move(parts));
}

// Names that the schema does not know may come twice, and then are one member. So they never count as more than one
// towards the least number; the greatest holds all the same.
void ObjectCompiler::check_counts() {
  const size_t required = c_.required.size();
  if (count_.min <= required) count_.min = 0;
  if (other_ == rules_.never()) {
    if (count_.max >= members_.size()) count_.max = kUnbounded;
    return;
  }
  if (count_.min > required + 1)
    c_.place.refuse("\"minProperties\" is not supported beyond the required members and one more");
}

Rules::Expr ObjectCompiler::others_behind(uint64_t count) {
  const Expr more = rules_.sequence({terms_.comma(), other_});
  if (count > 0)
    return rules_.sequence(
        {rules_.repeat(more, less(count_.min, count), less(count_.max, count)), terms_.close_object()});
  const Expr first =
      rules_.sequence({other_, rules_.repeat(more, less(count_.min, 1), less(count_.max, 1)), terms_.close_object()});
  return rules_.any_of(
      {count_.min == 0 ? rules_.literal("}") : rules_.never(), count_.max > 0 ? first : rules_.never()});
}

Rules::Expr ObjectCompiler::run() {
  find_members();
  find_others();
  check_counts();
  // ways[k]: from here on, with k members written; the last stands for "or more" where that makes no difference.
  const size_t n = members_.size();
  const uint64_t most = count_.max == kUnbounded ? count_.min : std::max(count_.min, count_.max);
  const uint64_t cap = std::min<uint64_t>(std::max<uint64_t>(most, 1), std::max<size_t>(n, 1));
  if ((n + 1) * (cap + 1) > kMaxCounted) c_.place.refuse("so many counted members are not supported");
  std::vector<Expr> ways;
  for (uint64_t k = 0; k <= cap; ++k) ways.push_back(others_behind(k));
  for (size_t i = n; i-- > 0;) {
    std::vector<Expr> before;
    for (uint64_t k = 0; k <= cap; ++k) {
      const Expr comma = k > 0 ? terms_.comma() : rules_.nothing();
      Expr way =
          k < count_.max ? rules_.sequence({comma, members_[i].expr, ways[std::min(k + 1, cap)]}) : rules_.never();
      if (!members_[i].required) way = rules_.any_of({way, ways[k]});
      before.push_back(way);
    }
    ways = std::move(before);
  }
  return rules_.sequence({terms_.open_object(), ways[0]});
}

}  // namespace maru::text::grammar
