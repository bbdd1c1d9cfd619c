// Group relative policy optimisation: a step samples answers to a few prompts, judges them, and makes those likelier
// that are better than others to the same prompt.
//
// What a run does is decided by its seed and the place of each prompt in the order of its epoch: a resumed run samples
// what the interrupted one did. A step's answers may be learnt from num_iterations times; checkpoints fall where a
// generation begins, so that they hold no answers.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/random.h"
#include "train/objectives/group_policy.h"
#include "train/reference.h"
#include "tune/group_policy_batches.h"
#include "tune/judged_answers.h"
#include "tune/method.h"
#include "tune/run_text.h"

namespace maru::tune {
namespace {

using train::Figures;
using train::GroupPolicyConfig;
using train::MicroBatch;

/// The answers of a step, ready to be learnt from.
struct SampledStep {
  std::vector<MicroBatch> batches;
  std::vector<std::vector<float>> sampler;  // log-probabilities of each answer's tokens
  Figures figures;
  bool learnt = false;  // once: batches know what the model that sampled found
};

class GroupPolicyMethod;

/// Prompts in a shuffled order, anew for each epoch, a few a step.
class PromptSource final : public train::BatchSource {
 public:
  PromptSource(GroupPolicyMethod& method, const train::LoaderState& state);
  void next(MicroBatch&, int64_t) override { CHECK(false); }  // a step is sampled as a whole
  void next_step(std::vector<MicroBatch>& batches, int64_t tokens) override;
  int64_t skip(int64_t) override;
  int64_t steps_of(double epochs, int64_t tokens, int64_t batches) override;
  bool may_rest() const override { return iteration_ == 0; }
  const train::LoaderState& state() const override { return state_; }
  int64_t tokens_of_epoch() const override;
  std::string left_out() const override;

 private:
  struct Place {
    int64_t prompt;
    uint64_t seed;
  };
  std::vector<Place> take_places();
  GroupPolicyMethod& method_;
  train::LoaderState state_;  // where the next generation begins
  std::vector<int32_t> order_;
  int64_t iteration_ = 0;  // of the newest generation, that comes next; 0: a new one
};

class GroupPolicyMethod final : public train::Method {
 public:
  explicit GroupPolicyMethod(const train::MethodInputs& inputs)
      : Method(inputs),
        config_(*inputs.config.group_policy),
        text_(load_text(in_.config, "answers are judged as text")),
        rewards_(config_.rewards, {text_.tokenizer, text_.chat_template ? &*text_.chat_template : nullptr}),
        prompts_(in_.train, in_.config.tokens, "train", longest_prompt()),
        held_out_(in_.held_out, in_.config.tokens, "held_out", longest_prompt()),
        reference_(make_reference()),
        objective_(make_objective()),
        rollouts_(*in_.model, in_.device, in_.adapter, text_.tokenizer,
                  {config_.temperature, config_.max_completion_length, end_tokens_of(in_.config, text_)}) {}

  train::Objective& objective() override { return objective_; }
  std::unique_ptr<train::BatchSource> source(const train::LoaderState& state) override {
    return std::make_unique<PromptSource>(*this, state);
  }
  Figures take_figures() override;
  Figures validate(StepMemory memory) override;
  std::vector<Json> take_samples() override { return std::exchange(samples_, {}); }
  train::HeldMemory held() override {
    return {.models = reference_ ? train::bytes_of(*reference_) : 0,
            .sampler = rollouts_.planned_bytes(std::max(prompts_.longest(), held_out_.longest()),
                                               std::max(config_.prompts_per_step * config_.num_generations,
                                                        held_out_.size()))};
  }
  double more_forwards() const override { return config_.beta != 0 ? 1 : 0; }

  const PromptSet& prompts() const { return prompts_; }
  const GroupPolicyConfig& config() const { return config_; }
  const train::TrainConfig& run() const { return in_.config; }
  /// Samples and judges answers to these prompts.
  void begin(const std::vector<int64_t>& prompts, const std::vector<uint64_t>& seeds, int64_t tokens);
  /// The micro-batches of what was sampled last.
  const std::vector<MicroBatch>& batches() const { return step_.batches; }

 private:
  int64_t longest_prompt() const { return in_.config.sequence_length - config_.max_completion_length; }
  std::unique_ptr<Decoder> make_reference() const;
  train::GroupPolicy make_objective() const;
  JudgedAnswers answer(const PromptSet& set, const std::vector<int64_t>& prompts, const std::vector<uint64_t>& seeds,
                       int64_t answers);
  void keep_samples(const JudgedAnswers& answers);
  void learn(std::vector<std::vector<double>> policy);

  const GroupPolicyConfig config_;
  const infer::ModelText text_;
  RewardSet rewards_;
  PromptSet prompts_, held_out_;
  std::unique_ptr<Decoder> reference_;
  train::GroupPolicy objective_;
  Rollouts rollouts_;
  SampledStep step_;
  std::vector<Json> samples_;
};

std::unique_ptr<Decoder> GroupPolicyMethod::make_reference() const {
  if (in_.adapter != nullptr || config_.beta == 0) return nullptr;  // the model without it; or nobody asks
  return train::load_reference(in_);
}

train::GroupPolicy GroupPolicyMethod::make_objective() const {
  if (in_.adapter != nullptr) return {*in_.model, *in_.adapter, config_};
  return {*in_.model, reference_.get(), config_};
}

JudgedAnswers GroupPolicyMethod::answer(const PromptSet& set, const std::vector<int64_t>& prompts,
                                        const std::vector<uint64_t>& seeds, int64_t answers) {
  std::vector<RolloutRequest> requests;
  for (size_t i = 0; i < prompts.size(); ++i) requests.push_back({set.tokens(prompts[i]), seeds[i], answers});
  const auto start = std::chrono::steady_clock::now();
  JudgedAnswers all{.prompts = prompts, .rollouts = rollouts_.sample(requests)};
  all.seconds_generating = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  judge(all, set, text_.tokenizer, rewards_);
  return all;
}

void GroupPolicyMethod::begin(const std::vector<int64_t>& prompts, const std::vector<uint64_t>& seeds, int64_t tokens) {
  const JudgedAnswers answers = answer(prompts_, prompts, seeds, config_.num_generations);
  std::vector<std::vector<int32_t>> asked;
  for (const int64_t prompt : prompts) asked.push_back(prompts_.tokens(prompt));
  step_ = {.batches = batches_of(config_, asked, answers.rollouts, advantages_of(config_, answers.scores), tokens),
           .figures = figures_of(answers, config_)};
  const std::vector<Score> totals = total_rewards(config_, answers.scores);
  step_.figures["reward_std"] = spread_of(totals).deviation;
  const auto group = static_cast<std::ptrdiff_t>(config_.num_generations);
  double agreeing = 0;  // a group whose answers are all as good teaches nothing
  for (auto at = totals.begin(); at != totals.end(); at += group)
    agreeing += spread_of({at, at + group}).deviation == 0 ? 1 : 0;
  step_.figures["reward_same"] = agreeing / static_cast<double>(prompts.size());
  for (const std::vector<Rollout>& each : answers.rollouts)
    for (const Rollout& rollout : each)
      step_.sampler.push_back(rollout.ended || !config_.mask_truncated_completions ? rollout.logprobs
                                                                                   : std::vector<float>());
  objective_.take_policy();
}

// What the forward pass of training finds is what the ratios are of; the sampler's own numbers are only compared.
void GroupPolicyMethod::learn(std::vector<std::vector<double>> policy) {
  CHECK(policy.size() == step_.sampler.size());
  double difference = 0;
  for (size_t i = 0; i < policy.size(); ++i) {
    CHECK(policy[i].size() == step_.sampler[i].size());
    for (size_t t = 0; t < policy[i].size(); ++t)
      difference = std::max(difference, std::abs(policy[i][t] - static_cast<double>(step_.sampler[i][t])));
  }
  if (config_.temperature == 1) step_.figures["sampler_difference"] = difference;  // its numbers are those at 1
  size_t next = 0;
  for (MicroBatch& batch : step_.batches)
    for (train::SampledAnswer& answer : batch.answers) answer.old = std::move(policy[next++]);
  step_.learnt = true;
}

Figures GroupPolicyMethod::take_figures() {
  std::vector<std::vector<double>> policy = objective_.take_policy();
  const train::GroupPolicyFigures learnt = objective_.take_figures();
  if (policy.empty()) return {};
  if (!step_.learnt) learn(std::move(policy));
  Figures figures = step_.figures;
  step_.figures.erase("seconds_generating"), step_.figures.erase("seconds_judging");  // of the first step with them
  step_.figures.erase("sampler_difference");
  const double tokens = std::max(1.0, static_cast<double>(learnt.tokens));
  figures["clipped"] = static_cast<double>(learnt.clipped) / tokens;
  if (config_.beta != 0) figures["kl"] = learnt.divergence / tokens;
  return figures;
}

// One answer to each, sampled as in training, with the same randomness every time.
Figures GroupPolicyMethod::validate(StepMemory) {
  std::vector<int64_t> prompts;
  std::vector<uint64_t> seeds;
  const uint64_t seed = derive_seed(static_cast<uint64_t>(in_.config.seed), "held out");
  int64_t seen = 0;
  for (int64_t i = 0; i < held_out_.size() && seen < in_.config.validation.tokens; ++i) {
    prompts.push_back(i);
    seeds.push_back(mix64(seed + static_cast<uint64_t>(i)));
    seen += std::ssize(held_out_.tokens(i)) + config_.max_completion_length;
  }
  if (prompts.empty()) return {};
  const JudgedAnswers answers = answer(held_out_, prompts, seeds, 1);
  keep_samples(answers);
  Figures figures = figures_of(answers, config_);
  const Spread s = spread_of(total_rewards(config_, answers.scores));
  if (s.count == 0) return {};
  const double half = 1.959963984540054 * s.deviation / std::sqrt(static_cast<double>(s.count));  // 95 %, normal
  figures["reward_low"] = s.mean - half, figures["reward_high"] = s.mean + half;
  return figures;
}

void GroupPolicyMethod::keep_samples(const JudgedAnswers& answers) {
  samples_.clear();
  const std::vector<Score> totals = total_rewards(config_, answers.scores);
  for (size_t i = 0; i < std::min<size_t>(answers.texts.size(), static_cast<size_t>(config_.num_samples)); ++i) {
    const auto json_of = [](const Score& score) { return score ? Json(*score) : Json(nullptr); };
    Json rewards = Json::object();
    for (size_t r = 0; r < config_.rewards.size(); ++r)
      rewards[config_.rewards[r].figure()] = json_of(answers.scores[r][i]);
    Json words = Json::object();
    for (size_t r = 0; r < config_.rewards.size(); ++r)
      if (!answers.words[r].empty()) words[config_.rewards[r].figure()] = answers.words[r][i];
    samples_.push_back({{"where", held_out_.where(answers.prompts[i])},
                        {"prompt", held_out_.line(answers.prompts[i]).value("prompt", Json())},
                        {"answer", answers.texts[i]},
                        {"ended", answers.rollouts[i][0].ended},
                        {"reward", json_of(totals[i])},
                        {"rewards", rewards}});
    if (!words.empty()) samples_.back()["words"] = words;
  }
}

PromptSource::PromptSource(GroupPolicyMethod& method, const train::LoaderState& state)
    : method_(method), state_(state) {
  const PromptSet& prompts = method.prompts();
  const train::TrainConfig& run = method.run();
  if (prompts.size() == 0)
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("none of {} prompts leaves room for {} tokens of an answer in sequence_length {}",
                              prompts.left_out(), method.config().max_completion_length, run.sequence_length));
  if (state.document > prompts.size())
    throw Failure(ErrorCode::kDataLoss, "loader: the saved position lies outside the dataset");
  order_ = train::epoch_order(prompts.size(), static_cast<uint64_t>(run.seed), state_.epoch);
}

std::vector<PromptSource::Place> PromptSource::take_places() {
  const auto seed = static_cast<uint64_t>(method_.run().seed);
  const uint64_t stream = derive_seed(seed, "rollouts");
  std::vector<Place> places;
  while (std::ssize(places) < method_.config().prompts_per_step) {
    if (state_.document == method_.prompts().size()) {
      state_ = {.epoch = state_.epoch + 1, .document = 0, .offset = 0};
      order_ = train::epoch_order(method_.prompts().size(), seed, state_.epoch);
    }
    const auto place = static_cast<uint64_t>(state_.document);
    places.push_back({order_[place], mix64(mix64(stream + static_cast<uint64_t>(state_.epoch)) + place)});
    ++state_.document;
  }
  return places;
}

void PromptSource::next_step(std::vector<MicroBatch>& batches, int64_t tokens) {
  if (iteration_ == 0) {
    std::vector<int64_t> prompts;
    std::vector<uint64_t> seeds;
    for (const Place& place : take_places()) prompts.push_back(place.prompt), seeds.push_back(place.seed);
    method_.begin(prompts, seeds, tokens);
  }
  batches = method_.batches();
  iteration_ = (iteration_ + 1) % method_.config().num_iterations;
}

int64_t PromptSource::skip(int64_t) {
  int64_t tokens = 0;
  for (const Place& place : take_places()) tokens += std::ssize(method_.prompts().tokens(place.prompt));
  return tokens;
}

int64_t PromptSource::steps_of(double epochs, int64_t, int64_t) {
  const double generations =
      epochs * static_cast<double>(method_.prompts().size()) / static_cast<double>(method_.config().prompts_per_step);
  return static_cast<int64_t>(std::ceil(generations)) * method_.config().num_iterations;
}

int64_t PromptSource::tokens_of_epoch() const { return method_.prompts().num_tokens(); }

std::string PromptSource::left_out() const {
  const PromptSet& prompts = method_.prompts();
  if (prompts.left_out() == 0) return "";
  return fmt::format("{} of {} prompts left out: with {} tokens of an answer they are longer than sequence_length {}",
                     prompts.left_out(), prompts.left_out() + prompts.size(), method_.config().max_completion_length,
                     method_.run().sequence_length);
}

}  // namespace

std::unique_ptr<train::Method> make_group_policy(const train::MethodInputs& inputs) {
  return std::make_unique<GroupPolicyMethod>(inputs);
}

}  // namespace maru::tune
