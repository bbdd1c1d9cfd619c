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
  std::string column;                                     // exact, number: of the data
  std::string pattern;                                    // regex; judge: what is the number in what it says
  Json schema;                                            // json_schema
  std::string script;                                     // language
  std::optional<int64_t> target;                          // length
  std::optional<int64_t> limit;                           // length
  std::optional<int64_t> ngram;                           // repetition
  std::vector<std::string> tags;                          // format
  std::vector<std::string> command;                       // process
  std::optional<double> timeout;                          // process, judge
  std::string url, model, prompt;                         // judge
  std::string key_file;                                   // judge
  std::optional<double> otherwise;                        // judge
  std::optional<int64_t> max_tokens, retries, in_flight;  // judge
  static constexpr auto fields() {
    using C = RewardConfig;
    return std::tuple{
        field("kind", &C::kind, "what is looked at")
            .one_of("exact|regex|number|json_schema|tool_call|language|length|repetition|format|process|judge"),
        field("name", &C::name, "of its figure, reward_NAME; empty: the kind").unless_empty(),
        field("weight", &C::weight, "in the sum of rewards").range(-1e6, 1e6),
        field("column", &C::column, "of exact and number: what the answer is compared with; empty: answer")
            .unless_empty(),
        field(
            "pattern", &C::pattern,
            "RE2's syntax. Of regex: found anywhere in the answer; of judge: its one group, where it is found last in "
            "what the judge says, is the reward; empty: the last number")
            .unless_empty(),
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
        field("timeout", &C::timeout,
              "seconds, of process for the answers of one step, of judge for one question; empty: 60")
            .range(0.001, 1e6)
            .unless_empty(),
        field("url", &C::url,
              "of judge: of an OpenAI-compatible API on this machine or a private network, "
              "http://HOST:PORT/v1")
            .unless_empty(),
        field("model", &C::model, "of judge: as the API names it").unless_empty(),
        field("prompt", &C::prompt,
              "of judge: what it is asked, {prompt}, {answer} and {COLUMN} replaced by the line's")
            .unless_empty(),
        field("key_file", &C::key_file, "of judge: a file with its key, its owner's alone; empty: no key")
            .unless_empty(),
        field("otherwise", &C::otherwise,
              "of judge: the reward where what it says has no number; empty: the run ends, and names it")
            .range(-1e6, 1e6)
            .unless_empty(),
        field("max_tokens", &C::max_tokens, "of judge: tokens that it may say; empty: 64")
            .range(1, 1 << 20)
            .unless_empty(),
        field("retries", &C::retries, "of judge: how often a question is asked again that failed; empty: 2")
            .range(0, 100)
            .unless_empty(),
        field("in_flight", &C::in_flight, "of judge: questions asked at a time; empty: 4")
            .range(1, 256)
            .unless_empty()};
  }
  const std::string& figure() const { return name.empty() ? kind : name; }
};

}  // namespace maru::train
