#include "text/grammar/schema_compiler.h"

#include <algorithm>
#include <string>

namespace maru::text::grammar {
namespace {

constexpr size_t kExactDigits = 15;  // neighbouring bounds of more digits may be the same double

uint64_t less(uint64_t count, uint64_t taken) {
  if (count == kUnbounded) return count;
  return count > taken ? count - taken : 0;
}

}  // namespace

SchemaCompiler::Expr SchemaCompiler::run() {
  const Expr root = value_of({reader_.root()});
  while (!open_.empty()) {
    const auto [rule, schemas] = std::move(open_.back());
    open_.pop_back();
    rules_.define(rule, body_of(schemas));
  }
  return root;
}

SchemaCompiler::Expr SchemaCompiler::value_of(const Schemas& schemas) {
  Schemas all = reader_.simplified(schemas);
  if (all.empty()) return terms_.value();
  std::vector<const Json*> key;
  for (const JsonNode& schema : all) key.push_back(&schema.json());
  std::sort(key.begin(), key.end());
  const auto [it, is_new] = known_.try_emplace(std::move(key), 0);
  if (is_new) {
    it->second = rules_.add_rule();
    open_.emplace_back(it->second, std::move(all));
  }
  return rules_.call(it->second);
}

SchemaCompiler::Expr SchemaCompiler::body_of(const Schemas& schemas) {
  std::vector<Expr> parts;
  const Constraints c = reader_.gathered(schemas);
  if (c.any && c.alternatives.size() == 1) {  // nothing beside the alternatives: each is a rule of its own
    if (c.alternatives[0].exactly) sets_.check_exclusive(schemas, c.alternatives[0]);
    for (const JsonNode& schema : c.alternatives[0].schemas) parts.push_back(value_of({schema}));
  } else {
    for (const Constraints& one : sets_.cases(schemas)) parts.push_back(case_of(one));
  }
  return rules_.any_of(std::move(parts));
}

SchemaCompiler::Expr SchemaCompiler::case_of(const Constraints& c) {
  if (!c.values.empty()) {
    std::vector<const Json*> values;
    for (const Json* value : c.values[0])
      if (sets_.admits_listed(c, *value)) values.push_back(value);
    return terms_.any_constant(values);
  }
  const auto has = [&](unsigned type) { return (c.types & type) != 0; };
  std::vector<Expr> parts;
  if (has(json_types::kNull)) parts.push_back(rules_.literal("null"));
  if (has(json_types::kBoolean)) parts.push_back(rules_.any_of({rules_.literal("true"), rules_.literal("false")}));
  if (has(json_types::kNumber)) parts.push_back(number_of(c));
  if (has(json_types::kString)) parts.push_back(string_of(c));
  if (has(json_types::kArray)) parts.push_back(list_of(c));
  if (has(json_types::kObject)) parts.push_back(ObjectCompiler(*this, c).run());
  return rules_.any_of(std::move(parts));
}

SchemaCompiler::Expr SchemaCompiler::number_of(const Constraints& c) {
  NumberRange range = c.range;
  range.integer = (c.types & json_types::kFraction) == 0;
  if (range.unlimited()) return range.integer ? terms_.integer() : terms_.number();
  for (const auto* bound : {&range.low, &range.high})
    if (*bound && !range.integer && (*bound)->value.whole.size() + (*bound)->value.fraction.size() > kExactDigits)
      c.place.refuse("a bound of more than 15 digits is supported for integers only");
  const auto numbers = numbers_in(range, terms_.work());
  if (!numbers) c.place.refuse("the range with multipleOf is too large to follow");
  return terms_.number(*numbers);
}

SchemaCompiler::Expr SchemaCompiler::string_of(const Constraints& c) {
  const auto texts = sets_.texts(c);
  return texts ? terms_.string(*texts) : terms_.string(c.length);
}

SchemaCompiler::Expr SchemaCompiler::list_of(const Constraints& c) {
  const Count count = c.elements;
  if (c.unique && count.max > 1) c.unique->refuse("\"uniqueItems\" is not supported but for at most one element");
  size_t prefix = 0;
  for (const ElementSchemas& list : c.lists) prefix = std::max(prefix, list.prefix.size());
  prefix = std::min<uint64_t>(prefix, count.max);
  const auto element = [&](size_t i) { return value_of(element_schemas(c, i)); };
  // Behind `taken` elements of the prefix, one at least.
  const Expr close = terms_.close_list();
  const auto others = [&](uint64_t taken) {
    const Expr more = rules_.sequence({terms_.comma(), element(std::max<size_t>(prefix, taken))});
    return rules_.sequence({rules_.repeat(more, less(count.min, taken), less(count.max, taken)), close});
  };
  Expr behind = rules_.never();
  if (count.max > 0) behind = others(std::max<size_t>(prefix, 1));
  for (size_t i = prefix; i-- > 1;) {
    const Expr next = rules_.sequence({terms_.comma(), element(i), behind});
    behind = i >= count.min ? rules_.any_of({close, next}) : next;
  }
  std::vector<Expr> parts;
  if (count.min == 0) parts.push_back(rules_.literal("]"));
  if (count.max > 0) parts.push_back(rules_.sequence({element(0), behind}));
  return rules_.sequence({terms_.open_list(), rules_.any_of(std::move(parts))});
}

}  // namespace maru::text::grammar
