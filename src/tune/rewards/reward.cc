#include "tune/rewards/reward.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <cmath>
#include <functional>

#include "models/answer_forms.h"
#include "text/grammar/compile.h"
#include "text/grammar/grammar_matcher.h"
#include "text/grammar/token_trie.h"
#include "tune/rewards/judge.h"
#include "tune/rewards/process.h"
#include "tune/rewards/rules.h"
#include "tune/rewards/tool_call.h"

namespace maru::tune {
namespace {

using train::RewardConfig;

[[noreturn]] void refuse(const RewardConfig& config, const std::string& why) {
  throw Failure(ErrorCode::kInvalidArgument, fmt::format("recipe: group_policy.rewards: {}: {}", config.figure(), why));
}

/// A rule, answer by answer.
class Rule final : public Reward {
 public:
  using Judge = std::function<Score(const JudgedAnswer&)>;
  explicit Rule(Judge judge) : judge_(std::move(judge)) {}
  std::vector<Score> score(std::span<const JudgedAnswer> answers) override {
    std::vector<Score> scores;
    scores.reserve(answers.size());
    for (const JudgedAnswer& answer : answers) scores.push_back(judge_(answer));
    return scores;
  }

 private:
  Judge judge_;
};

std::unique_ptr<Reward> rule(Rule::Judge judge) { return std::make_unique<Rule>(std::move(judge)); }

/// What the answer is compared with; null: the question does not arise.
const Json* column_of(const JudgedAnswer& answer, const std::string& column, const std::string& reward) {
  const auto found = answer.line->find(column);
  if (found == answer.line->end())
    throw Failure(ErrorCode::kInvalidArgument, fmt::format("{}: {}: is missing, expected what reward {} compares with",
                                                           answer.where, column, reward));
  return found->is_null() ? nullptr : &*found;
}

std::string column_name(const RewardConfig& config) { return config.column.empty() ? "answer" : config.column; }

std::unique_ptr<Reward> make_exact(const RewardConfig& config, const RewardTools&) {
  return rule([column = column_name(config), name = config.figure()](const JudgedAnswer& answer) -> Score {
    const Json* expected = column_of(answer, column, name);
    if (expected == nullptr) return std::nullopt;
    return exact_reward(answer.text, expected->is_string() ? expected->get<std::string>() : expected->dump());
  });
}

std::unique_ptr<Reward> make_number(const RewardConfig& config, const RewardTools&) {
  return rule([column = column_name(config), name = config.figure()](const JudgedAnswer& answer) -> Score {
    const Json* expected = column_of(answer, column, name);
    if (expected == nullptr) return std::nullopt;
    const std::optional<double> number = expected->is_number()   ? std::optional(expected->get<double>())
                                         : expected->is_string() ? last_number(expected->get_ref<const std::string&>())
                                                                 : std::nullopt;
    if (!number)
      throw Failure(
          ErrorCode::kInvalidArgument,
          fmt::format("{}: {}: expected a number, or a text with one, for reward {}", answer.where, column, name));
    return number_reward(answer.text, *number);
  });
}

std::unique_ptr<Reward> make_regex(const RewardConfig& config, const RewardTools&) {
  if (config.pattern.empty()) refuse(config, "pattern is missing");
  re2::RE2::Options options;
  options.set_log_errors(false);
  const auto pattern = std::make_shared<const re2::RE2>(config.pattern, options);
  if (!pattern->ok()) refuse(config, "pattern: " + pattern->error());
  return rule([pattern](const JudgedAnswer& answer) -> Score {
    return re2::RE2::PartialMatch(re2::StringPiece(answer.text.data(), answer.text.size()), *pattern) ? 1 : 0;
  });
}

// What structured output would have held the answer to: members in the order of the schema.
std::unique_ptr<Reward> make_json_schema(const RewardConfig& config, const RewardTools& tools) {
  if (config.schema.is_null()) refuse(config, "schema is missing");
  const auto grammar = text::compile_json_schema(
      JsonNode(config.schema, fmt::format("recipe: group_policy.rewards: {}: schema", config.figure())));
  const auto tokens = std::make_shared<const text::TokenTrie>(tools.tokenizer);
  return rule([grammar, tokens](const JudgedAnswer& answer) -> Score {
    text::GrammarMatcher matcher(grammar, *tokens, {});
    return matcher.accept_text(trimmed(answer.text)) && matcher.may_end() ? 1 : 0;
  });
}

std::unique_ptr<Reward> make_tool_call(const RewardConfig& config, const RewardTools& tools) {
  text::AnswerForms forms;
  if (tools.chat_template != nullptr)
    forms = detect_answer_forms([&](std::string_view sign) { return tools.chat_template->mentions(sign); });
  if (forms.calls == nullptr) refuse(config, "the model's chat template teaches no form of calls that is known");
  return rule([forms](const JudgedAnswer& answer) -> Score {
    return tool_call_reward(answer.text, forms, answer.line->value("tools", Json()));
  });
}

std::unique_ptr<Reward> make_language(const RewardConfig& config, const RewardTools&) {
  const text::Script script = text::script_of_name(config.script.empty() ? "Hang" : config.script);
  if (script == text::kNoScript)
    refuse(config, fmt::format("script: expected an ISO 15924 code such as Hang, Thai or Latn, got {}", config.script));
  const auto letters = std::make_shared<const text::LetterTable>();
  return rule(
      [letters, script](const JudgedAnswer& answer) { return Score(language_reward(*letters, answer.text, script)); });
}

std::unique_ptr<Reward> make_length(const RewardConfig& config, const RewardTools&) {
  if (config.target.has_value() == config.limit.has_value()) refuse(config, "expected one of target and limit");
  return rule([target = config.target, limit = config.limit](const JudgedAnswer& answer) -> Score {
    const auto tokens = static_cast<int64_t>(answer.tokens.size());
    return target ? target_length_reward(tokens, *target) : limit_length_reward(tokens, *limit);
  });
}

std::unique_ptr<Reward> make_repetition(const RewardConfig& config, const RewardTools&) {
  return rule([ngram = config.ngram.value_or(3)](const JudgedAnswer& answer) {
    return Score(repetition_reward(answer.tokens, ngram));
  });
}

std::unique_ptr<Reward> make_format(const RewardConfig& config, const RewardTools&) {
  if (config.tags.empty()) refuse(config, "tags: expected at least one");
  for (const std::string& tag : config.tags)
    if (tag.empty()) refuse(config, "tags: one of them is empty");
  return rule([tags = config.tags](const JudgedAnswer& answer) { return Score(format_reward(answer.text, tags)); });
}

std::unique_ptr<Reward> make_process(const RewardConfig& config, const RewardTools&) {
  if (config.command.empty() || config.command[0].empty()) refuse(config, "command: expected a program");
  return std::make_unique<ProcessReward>(config.figure(), config.command, config.timeout.value_or(60));
}

std::unique_ptr<Reward> make_judge(const RewardConfig& config, const RewardTools&) {
  return std::make_unique<JudgeReward>(config);
}

struct Entry {
  std::string_view kind;
  std::string_view settings;  // |column|
  std::unique_ptr<Reward> (*make)(const RewardConfig&, const RewardTools&);
};
constexpr Entry kRewards[] = {
    {"exact", "|column|", make_exact},
    {"regex", "|pattern|", make_regex},
    {"number", "|column|", make_number},
    {"json_schema", "|schema|", make_json_schema},
    {"tool_call", "|", make_tool_call},
    {"language", "|script|", make_language},
    {"length", "|target|limit|", make_length},
    {"repetition", "|ngram|", make_repetition},
    {"format", "|tags|", make_format},
    {"process", "|command|timeout|", make_process},
    {"judge", "|url|model|prompt|pattern|otherwise|key_file|max_tokens|timeout|retries|in_flight|", make_judge},
};

void check_settings(const RewardConfig& config, std::string_view settings) {
  const Json given = to_json(config);
  for (const auto& item : given.items()) {
    const std::string& key = item.key();
    if (key == "kind" || key == "name" || key == "weight") continue;
    if (settings.find("|" + key + "|") == std::string_view::npos)
      refuse(config, fmt::format("{} is no setting of kind {}", key, config.kind));
  }
}

}  // namespace

std::unique_ptr<Reward> make_reward(const RewardConfig& config, const RewardTools& tools) {
  for (const Entry& entry : kRewards)
    if (entry.kind == config.kind) {
      check_settings(config, entry.settings);
      return entry.make(config, tools);
    }
  refuse(config, "kind: unknown: " + config.kind);
}

RewardSet::RewardSet(const std::vector<RewardConfig>& configs, const RewardTools& tools) : configs_(configs) {
  for (const RewardConfig& config : configs_) rewards_.push_back(make_reward(config, tools));
}

std::vector<std::vector<Score>> RewardSet::score(std::span<const JudgedAnswer> answers) {
  std::vector<std::vector<Score>> all;
  for (size_t i = 0; i < rewards_.size(); ++i) {
    all.push_back(rewards_[i]->score(answers));
    CHECK(all.back().size() == answers.size());
    for (size_t a = 0; a < answers.size(); ++a)
      if (all.back()[a] && !std::isfinite(*all.back()[a]))
        throw Failure(ErrorCode::kInvalidArgument,
                      fmt::format("{}: reward {} of an answer is {}: expected a finite number", answers[a].where,
                                  configs_[i].figure(), *all.back()[a]));
  }
  return all;
}

std::vector<std::vector<std::string>> RewardSet::take_words() {
  std::vector<std::vector<std::string>> all;
  for (const std::unique_ptr<Reward>& reward : rewards_) all.push_back(reward->take_words());
  return all;
}

}  // namespace maru::tune
