#include <algorithm>

#include "base/request_failure.h"
#include "base/utf8.h"
#include "text/grammar/compile.h"
#include "text/grammar/regular.h"
#include "text/grammar/rules.h"
#include "text/grammar/schema_compiler.h"

namespace maru::text {
namespace {

using grammar::Rules;

constexpr size_t kMaxTags = 1000, kMaxTagBytes = 1000;

void check(const StructuralTag& structure, std::string_view field) {
  if (structure.tags.empty() || structure.tags.size() > kMaxTags || structure.triggers.empty() ||
      structure.triggers.size() > kMaxTags)
    refuse("expected 1 to 1000 tags and triggers", field);
  const auto is_text = [](const std::string& text) { return text.size() <= kMaxTagBytes && is_valid_utf8(text); };
  for (const std::string& trigger : structure.triggers)
    if (trigger.empty() || !is_text(trigger)) refuse("a trigger must be UTF-8, 1 to 1000 bytes long", field);
  for (const StructuralTag::Tag& tag : structure.tags) {
    const bool triggered = std::any_of(structure.triggers.begin(), structure.triggers.end(),
                                       [&](const std::string& trigger) { return tag.begin.starts_with(trigger); });
    if (!triggered) refuse("no trigger begins the tag \"" + tag.begin + "\"", field);
    if (!is_text(tag.begin) || !is_text(tag.end)) refuse("a tag must be UTF-8, at most 1000 bytes long", field);
  }
}

// Characters in any order, but for the triggers.
Rules::Expr free_text(const std::vector<std::string>& triggers, Rules& rules) {
  grammar::Regular tree;
  grammar::Work work;
  std::vector<grammar::Regular::Node> parts;
  for (const std::string& trigger : triggers) parts.push_back(tree.literal(trigger));
  const auto any = tree.dfa(tree.repeat(tree.chars(grammar::all_code_points()), 0, grammar::kUnbounded), work);
  const auto triggered = tree.dfa(tree.searched(tree.any_of(std::move(parts))), work);
  const auto left = any && triggered ? product(*any, *triggered, true, work) : std::nullopt;
  const auto bytes = left ? over_bytes(*left, grammar::Encoding::kUtf8, "", "", work) : std::nullopt;
  if (!bytes) throw grammar::TooLarge("the triggers are too large to follow");
  return rules.optional(rules.terminal(std::make_shared<grammar::ByteDfa>(*bytes)));
}

Rules::Expr json_of(const JsonNode& schema, Rules& rules, const JsonStyle& style) {
  (void)compile_json_schema(schema, style);  // refuses what nothing fulfils: no alternative is left out silently
  return grammar::SchemaCompiler(schema, rules, style.compact).run();
}

}  // namespace

std::shared_ptr<const Grammar> compile_structural_tag(const StructuralTag& structure, std::string_view field,
                                                      const JsonStyle& style) {
  check(structure, field);
  try {
    Rules rules;
    std::vector<Rules::Expr> tags;
    for (const StructuralTag::Tag& tag : structure.tags)
      tags.push_back(rules.sequence(
          {rules.special_literal(tag.begin), json_of(tag.schema, rules, style), rules.special_literal(tag.end)}));
    const Rules::Expr text = structure.only_tags ? rules.nothing() : free_text(structure.triggers, rules);
    const Rules::Expr tag = rules.any_of(std::move(tags));
    const uint64_t least = structure.at_least_one ? 1 : 0;
    const Rules::Expr tagged =
        rules.repeat(rules.sequence({text, tag}), least, structure.stop_after_first ? 1 : grammar::kUnbounded);
    // Without a tag, or behind the last where it goes on, there may be more text.
    const Rules::Expr whole = structure.stop_after_first
                                  ? (structure.at_least_one ? tagged : rules.any_of({tagged, text}))
                                  : rules.sequence({tagged, text});
    if (!structure.otherwise) return rules.finished(whole);
    return rules.finished(rules.any_of({whole, json_of(*structure.otherwise, rules, style)}));
  } catch (const grammar::TooLarge& large) {
    refuse(large.error().message, field);
  }
}

}  // namespace maru::text
