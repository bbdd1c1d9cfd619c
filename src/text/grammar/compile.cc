#include "text/grammar/compile.h"

#include <algorithm>

#include "base/request_failure.h"
#include "base/utf8.h"
#include "text/grammar/gbnf_compiler.h"
#include "text/grammar/json_terms.h"
#include "text/grammar/regex_parser.h"
#include "text/grammar/schema_compiler.h"

namespace maru::text {
namespace {

using grammar::Rules;

constexpr size_t kMaxChoices = 10'000;

/// Adds the place to what is said without one.
template <class Make>
auto with_place(std::string_view field, const Make& make) -> decltype(make()) {
  try {
    return make();
  } catch (const RequestFailure&) {
    throw;
  } catch (const Failure& failure) {
    refuse(field.empty() ? failure.error().message : std::string(field) + ": " + failure.error().message, field);
  }
}

std::shared_ptr<const grammar::ByteDfa> regular(std::string_view pattern) {
  grammar::Regular tree;
  grammar::Work work;
  const auto node = grammar::parse_regex(tree, pattern);
  const auto characters = tree.dfa(node, work);
  const auto bytes = characters ? over_bytes(*characters, grammar::Encoding::kUtf8, "", "", work) : std::nullopt;
  if (!bytes) throw grammar::TooLarge("the regular expression is too large to follow");
  if (bytes->empty()) throw Failure(ErrorCode::kInvalidArgument, "nothing matches the regular expression");
  return std::make_shared<grammar::ByteDfa>(*bytes);
}

}  // namespace

std::shared_ptr<const Grammar> compile_json_schema(const JsonNode& schema, const JsonStyle& style) {
  std::shared_ptr<const Grammar> made;
  try {
    Rules rules;
    made = rules.finished(grammar::SchemaCompiler(schema, rules, style.compact).run());
  } catch (const grammar::TooLarge& large) {
    schema.refuse(large.error().message);
  }
  if (!made) schema.refuse("no value fulfils the schema");
  return made;
}

std::shared_ptr<const Grammar> compile_json_object(const JsonStyle& style) {
  Rules rules;
  grammar::JsonTerms terms(rules, style.compact);
  return rules.finished(terms.any_object());
}

std::shared_ptr<const Grammar> compile_regex(std::string_view pattern, std::string_view field) {
  return with_place(field, [&] {
    Rules rules;
    const auto dfa = regular(pattern);
    const Rules::Expr whole = rules.terminal(dfa);
    return rules.finished(dfa->accepts(0) ? rules.optional(whole) : whole);
  });
}

std::shared_ptr<const Grammar> compile_choice(std::span<const std::string> texts, std::string_view field) {
  return with_place(field, [&] {
    if (texts.empty() || texts.size() > kMaxChoices) refuse("expected 1 to 10000 choices", field);
    std::vector<std::vector<uint32_t>> all;
    size_t bytes = 0;
    for (const std::string& text : texts) {
      if (text.empty() || !is_valid_utf8(text)) refuse("a choice must be UTF-8 and not empty", field);
      if ((bytes += text.size()) > grammar::kMaxSourceBytes) refuse("expected at most 1 MiB of choices", field);
      all.push_back(grammar::symbols_of_bytes(text));
    }
    Rules rules;
    return rules.finished(rules.terminal(std::make_shared<grammar::ByteDfa>(grammar::dfa_of(all))));
  });
}

std::shared_ptr<const Grammar> compile_gbnf(std::string_view source, std::string_view field) {
  return with_place(field, [&] {
    grammar::Gbnf parsed = grammar::parse_gbnf(source);
    Rules rules;
    auto made = rules.finished(grammar::GbnfCompiler(parsed, rules).run());
    if (!made) throw Failure(ErrorCode::kInvalidArgument, "no text fulfils the grammar");
    return made;
  });
}

}  // namespace maru::text
