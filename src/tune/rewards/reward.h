// How an answer is judged: a number for each, or none where the question does not arise.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "text/chat/chat_template.h"
#include "text/tokenizer/tokenizer.h"
#include "train/reward_config.h"

namespace maru::tune {

/// An answer and the line of the data that it is to.
struct JudgedAnswer {
  const Json* line = nullptr;  // "prompt" and the columns
  std::string_view where;      // file and line, for errors
  std::string_view text;
  std::span<const int32_t> tokens;
};

/// Nothing: not applicable.
using Score = std::optional<double>;

class Reward {
 public:
  virtual ~Reward() = default;
  /// One score for each. Throws   what cannot be judged, naming the line.
  virtual std::vector<Score> score(std::span<const JudgedAnswer> answers) = 0;
  /// What was said of each of the answers scored last, for people to read; empty: nothing is said.
  virtual std::vector<std::string> take_words() { return {}; }
};

/// What rewards are made with; outlives them.
struct RewardTools {
  const text::Tokenizer& tokenizer;
  const text::ChatTemplate* chat_template = nullptr;  // null: the model was not made to chat
};

/// Throws   kInvalidArgument naming the reward and its setting, for one that is missing, wrong or of another kind.
std::unique_ptr<Reward> make_reward(const train::RewardConfig& config, const RewardTools& tools);

/// All rewards of a run.
class RewardSet {
 public:
  RewardSet(const std::vector<train::RewardConfig>& configs, const RewardTools& tools);
  size_t size() const { return rewards_.size(); }
  const std::vector<train::RewardConfig>& configs() const { return configs_; }
  /// [reward][answer]. Throws   kInvalidArgument naming the reward and the line for what is not finite, and what each
  /// throws.
  std::vector<std::vector<Score>> score(std::span<const JudgedAnswer> answers);
  /// [reward], as Reward::take_words.
  std::vector<std::vector<std::string>> take_words();

 private:
  std::vector<train::RewardConfig> configs_;
  std::vector<std::unique_ptr<Reward>> rewards_;
};

}  // namespace maru::tune
