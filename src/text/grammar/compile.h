// Constraints on an answer, compiled. What each accepts and refuses: docs/structured-output.md.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_node.h"
#include "text/grammar/grammar.h"

namespace maru::text {

struct JsonStyle {
  bool compact = false;  // no white space between words
};

/// Values that a JSON Schema (draft 2020-12) describes. Members come in the order of the schema.
///
/// Throws   kInvalidArgument, as the node says it, naming the place: a schema that is none, that nothing fulfils, that
///          has a keyword that cannot be held exactly, or that is too large.
/// Cost     about linear in the schema; automata of patterns are bounded
std::shared_ptr<const Grammar> compile_json_schema(const JsonNode& schema, const JsonStyle& style = {});
/// Any JSON object.
std::shared_ptr<const Grammar> compile_json_object(const JsonStyle& style = {});
/// Texts that a regular expression matches as a whole. `field` stands in errors.
///
/// Throws   RequestFailure (kInvalidArgument), saying at which character.
std::shared_ptr<const Grammar> compile_regex(std::string_view pattern, std::string_view field);
/// One of these texts.
///
/// Throws   RequestFailure (kInvalidArgument) for none, an empty one, or one that is not UTF-8.
std::shared_ptr<const Grammar> compile_choice(std::span<const std::string> texts, std::string_view field);
/// Texts of the rule `root` of a grammar in GBNF, or in EBNF where that is written alike.
///
/// Throws   RequestFailure (kInvalidArgument), saying in which line.
std::shared_ptr<const Grammar> compile_gbnf(std::string_view source, std::string_view field);

/// Free text, until one of the triggers begins a tag.
struct StructuralTag {
  struct Tag {
    std::string begin;
    JsonNode schema;  // of what stands between
    std::string end;
  };
  std::vector<Tag> tags;              // each begins with a trigger
  std::vector<std::string> triggers;  // free text never has one in it
  bool at_least_one = false;
  bool only_tags = false;  // and no free text
  bool stop_after_first = false;
  std::optional<JsonNode> otherwise;  // a whole answer may be JSON of this schema instead, with no tag
};
/// Begins and ends may be spelled by special tokens.
///
/// Throws   RequestFailure (kInvalidArgument), and what compile_json_schema does.
std::shared_ptr<const Grammar> compile_structural_tag(const StructuralTag& structure, std::string_view field,
                                                      const JsonStyle& style = {});

}  // namespace maru::text
