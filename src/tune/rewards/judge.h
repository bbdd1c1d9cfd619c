// A reward that a served model gives: it is asked what it thinks of each answer, and the number in what it says counts.
//
// Asked is an OpenAI-compatible API, on this machine or in a private network (http/post.h), one user message at
// temperature 0 for each answer, several at a time.
#pragma once
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "http/post.h"
#include "tune/rewards/reward.h"

namespace re2 {
class RE2;
}

namespace maru::tune {

/// What the judge is asked: the template with {prompt}, {answer} and {COLUMN} replaced by the line's, in one pass, so
/// that nothing in them is replaced again. Messages are told as "role: content", what is no text as JSON. Nothing: a
/// column is null, the question does not arise.
///
/// Throws   kInvalidArgument naming the line for a column that is missing.
std::optional<std::string> question_of(const std::string& form, std::string_view judge, const JudgedAnswer& answer);

class JudgeReward final : public Reward {
 public:
  /// Throws   kInvalidArgument naming the setting that is missing or wrong; what reading the key's file throws.
  explicit JudgeReward(const train::RewardConfig& config);
  ~JudgeReward() override;

  /// Nothing where a column that the question names is null.
  ///
  /// Throws   kUnavailable, kDeadline or kExhausted with the judge, the line, what happened and how often it was asked;
  ///          kInvalidArgument for what has no number in it, unless the settings say what it is worth.
  std::vector<Score> score(std::span<const JudgedAnswer> answers) override;
  std::vector<std::string> take_words() override { return std::exchange(words_, {}); }

 private:
  struct Verdict;
  Verdict ask(const std::string& question, const std::stop_token& stop) const;
  Result<std::string> ask_once(const std::string& body, const std::stop_token& stop) const;
  std::optional<double> number_in(const std::string& said) const;
  [[noreturn]] void fail(ErrorCode code, std::string_view where, const std::string& what) const;

  const train::RewardConfig config_;
  const http::Destination to_;
  const std::string key_;
  std::unique_ptr<const re2::RE2> pattern_;
  std::vector<std::string> words_;
};

}  // namespace maru::tune
