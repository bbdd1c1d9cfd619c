// How an answer that was sampled is judged, as a recipe declares it. What computes it: src/tune/rewards/.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/fields.h"

namespace maru::train {

/// One reward. Settings are of the kinds that name them, and refused with others.
struct RewardConfig {
  std::string kind, name;  // name: of its figure; empty: the kind
  double weight = 1;
  std::string column;                // exact, number: of the data
  std::string pattern;               // regex
  Json schema;                       // json_schema
  std::string script;                // language
  std::optional<int64_t> target;     // length
  std::optional<int64_t> limit;      // length
  std::optional<int64_t> ngram;      // repetition
  std::vector<std::string> tags;     // format
  std::vector<std::string> command;  // process
  std::optional<double> timeout;     // process
  static constexpr auto fields() {
    using C = RewardConfig;
    return std::tuple{
        field("kind", &C::kind, "what is looked at")
            .one_of("exact|regex|number|json_schema|tool_call|language|length|repetition|format|process"),
        field("name", &C::name, "of its figure, reward_NAME; empty: the kind").unless_empty(),
        field("weight", &C::weight, "in the sum of rewards").range(-1e6, 1e6),
        field("column", &C::column, "of exact and number: what the answer is compared with; empty: answer")
            .unless_empty(),
        field("pattern", &C::pattern, "of regex: RE2's syntax, found anywhere in the answer").unless_empty(),
        field("schema", &C::schema, "of json_schema: a JSON Schema that the answer is to fulfil").unless_empty(),
        field("script", &C::script, "of language: whose letters are counted; empty: Hangul").unless_empty(),
        field("target", &C::target, "of length: tokens at which the reward is 1").range(1, 1e9).unless_empty(),
        field("limit", &C::limit, "of length: tokens up to which the reward is 1; 0 at twice as many")
            .range(1, 1e9)
            .unless_empty(),
        field("ngram", &C::ngram, "of repetition: how many tokens in a row are compared; empty: 3")
            .range(1, 64)
            .unless_empty(),
        field("tags", &C::tags, "of format: what stands in the answer, each once and in this order").unless_empty(),
        field("command", &C::command, "of process: program and arguments; lines of JSON in, lines of JSON out")
            .unless_empty(),
        field("timeout", &C::timeout, "of process: seconds for the answers of one step; empty: 60")
            .range(0.001, 1e6)
            .unless_empty()};
  }
  const std::string& figure() const { return name.empty() ? kind : name; }
};

}  // namespace maru::train
