// Distillation on answers of its own: in a share of the micro-batches the student answers the prompts of the data
// itself, and learns how its teacher would have gone on at each of its tokens (Agarwal et al. 2024 (GKD),
// arXiv:2306.13649, algorithm 1).
//
// As in TRL it is decided for each micro-batch whether the student answers. Here the decision, and the randomness of an
// answer, follow from the run's seed and the place in the epoch's order where the micro-batch begins: a resumed run
// samples what the interrupted one did. Unlike in TRL, which divides by the tokens of the answers that were given,
// the loss is a mean over the tokens that are learnt from.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/random.h"
#include "models/weight_source.h"
#include "train/means.h"
#include "train/numbers.h"
#include "tune/conversations.h"
#include "tune/group_policy_batches.h"
#include "tune/method.h"
#include "tune/rollouts.h"
#include "tune/run_text.h"

namespace maru::tune {
namespace {

using train::DistillConfig;
using train::Figures;
using train::LoaderState;
using train::MicroBatch;

/// What is told of a step's own answers beside its loss.
class MeasuredObjective final : public train::Objective {
 public:
  explicit MeasuredObjective(train::Objective& of) : of_(of) {}
  Model& model() override { return of_.model(); }
  void begin_step(std::span<const MicroBatch> batches) override { of_.begin_step(batches); }
  Tensor loss(Context& ctx, const MicroBatch& micro, double scale) override {
    Tensor loss = of_.loss(ctx, micro, scale);
    if (ctx.arena.dry()) return loss;
    const bool own = !micro.answers.empty();
    means_.add("on_policy", own ? 1 : 0);
    if (own) means_.add("divergence", train::numbers_of(loss)[0] / scale, micro.counted);
    return loss;
  }
  train::Means& means() { return means_; }

 private:
  train::Objective& of_;
  train::Means means_;
};

/// A prompt that the student is to answer.
struct Place {
  int64_t document;
  uint64_t seed;
};

class OnPolicyMethod final : public train::Method {
 public:
  explicit OnPolicyMethod(const train::MethodInputs& inputs)
      : Method(inputs),
        settings_(*inputs.config.distill),
        off_policy_config_(off_policy(inputs.config)),
        distill_(train::make_method({off_policy_config_, in_.train, in_.held_out, in_.device, in_.model, in_.adapter})),
        objective_(distill_->objective()),
        text_(load_text(in_.config, "the student answers in its tokens")),
        conversations_(in_.train, in_.config.sequence_length - most_tokens()),
        teacher_tokens_(tokens_of_teacher()),
        rollouts_(*in_.model, in_.device, in_.adapter, text_.tokenizer,
                  {settings_.sampling_temperature.value_or(DistillConfig::kSamplingTemperature), most_tokens(),
                   end_tokens_of(in_.config, text_)}) {}

  train::Objective& objective() override { return objective_; }
  std::unique_ptr<train::BatchSource> source(const LoaderState& state) override;
  Figures take_figures() override { return objective_.means().take(); }
  Figures validate(StepMemory memory) override { return distill_->validate(std::move(memory)); }
  double more_forwards() const override { return distill_->more_forwards(); }
  train::HeldMemory held() override;

  const train::MethodInputs& inputs() const { return in_; }
  const DistillConfig& settings() const { return settings_; }
  const ConversationSet& conversations() const { return conversations_; }
  int64_t most_tokens() const { return settings_.max_completion_length.value_or(DistillConfig::kMaxCompletionLength); }
  /// Fills each micro-batch for which there are places with the student's answers to them.
  void answer(const std::vector<std::vector<Place>>& places, std::vector<MicroBatch>& batches);

 private:
  static train::TrainConfig off_policy(train::TrainConfig config) {
    config.distill->on_policy = 0;
    return config;
  }
  int64_t tokens_of_teacher() const {
    const StoredConfig stored = read_stored_config(settings_.teacher);
    return config_from_hugging_face(stored.json, stored.name).vocab_size;
  }
  void cut_unknown(Rollout& rollout) const;

  const DistillConfig settings_;
  const train::TrainConfig off_policy_config_;
  std::unique_ptr<train::Method> distill_;
  MeasuredObjective objective_;
  const infer::ModelText text_;
  const ConversationSet conversations_;
  const int64_t teacher_tokens_;
  Rollouts rollouts_;
};

/// Micro-batches of given answers as of any text, and prompts to answer, in one order.
class OnPolicySource final : public train::BatchSource {
 public:
  OnPolicySource(OnPolicyMethod& method, const LoaderState& state);
  void next(MicroBatch&, int64_t) override { CHECK(false); }  // the answers of a step are sampled together
  void next_step(std::vector<MicroBatch>& batches, int64_t tokens) override;
  int64_t skip(int64_t tokens) override;
  const LoaderState& state() const override { return loader_.state(); }
  int64_t tokens_of_epoch() const override { return loader_.tokens_of_epoch(); }
  std::string left_out() const override;

 private:
  uint64_t draw(std::string_view stream) const;
  bool is_own() const;
  int64_t take_places(int64_t tokens, std::vector<Place>& places);
  OnPolicyMethod& method_;
  const uint64_t seed_;
  train::Loader loader_;
};

std::unique_ptr<train::BatchSource> OnPolicyMethod::source(const LoaderState& state) {
  return std::make_unique<OnPolicySource>(*this, state);
}

train::HeldMemory OnPolicyMethod::held() {
  train::HeldMemory held = distill_->held();
  const int64_t tokens = in_.config.micro_batch_tokens;
  const int64_t answers = std::min(tokens / (conversations_.shortest() + most_tokens() - 1),
                                   std::max<int64_t>(1, tokens / train::kMinMeanPiece));
  held.sampler = rollouts_.planned_bytes(conversations_.longest(), in_.config.batch_tokens / tokens * answers);
  return held;
}

// Rows that the student's table has and its teacher's has not mean nothing to either.
void OnPolicyMethod::cut_unknown(Rollout& rollout) const {
  const auto unknown = std::ranges::find_if(rollout.tokens, [&](int32_t token) { return token >= teacher_tokens_; });
  if (unknown == rollout.tokens.end()) return;
  rollout.tokens.erase(unknown, rollout.tokens.end());
  rollout.ended = false;
}

void OnPolicyMethod::answer(const std::vector<std::vector<Place>>& places, std::vector<MicroBatch>& batches) {
  std::vector<RolloutRequest> requests;
  for (const std::vector<Place>& of_batch : places)
    for (const Place& place : of_batch) requests.push_back({conversations_.prompt(place.document), place.seed, 1});
  if (requests.empty()) return;
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::vector<Rollout>> rollouts = rollouts_.sample(requests);
  train::Means& figures = objective_.means();
  figures.add("seconds_generating", std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  size_t next = 0;
  for (size_t b = 0; b < places.size(); ++b) {
    if (places[b].empty()) continue;
    batches[b].clear();
    for (size_t i = 0; i < places[b].size(); ++i, ++next) {
      Rollout& rollout = rollouts[next][0];
      cut_unknown(rollout);
      append_answer(batches[b], requests[next].prompt, rollout, 0, true);
      figures.add("completion_length", static_cast<double>(rollout.tokens.size()));
      figures.add("truncated", rollout.ended ? 0 : 1);
    }
  }
}

OnPolicySource::OnPolicySource(OnPolicyMethod& method, const LoaderState& state)
    : method_(method),
      seed_(static_cast<uint64_t>(method.inputs().config.seed)),
      loader_(method.inputs().train, method.inputs().config.sequence_length, seed_, state) {
  const ConversationSet& all = method.conversations();
  if (all.left_out() == all.size())
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("none of {} conversations has a prompt that leaves room for {} tokens of an answer in "
                              "sequence_length {}",
                              all.size(), method.most_tokens(), method.inputs().config.sequence_length));
}

// Of the place that comes next, which no other micro-batch begins with.
uint64_t OnPolicySource::draw(std::string_view stream) const {
  const LoaderState& at = loader_.state();
  uint64_t number = derive_seed(seed_, stream);
  for (const int64_t part : {at.epoch, at.document, at.offset}) number = mix64(number + static_cast<uint64_t>(part));
  return number;
}

bool OnPolicySource::is_own() const { return Random(draw("on policy")).uniform() < method_.settings().on_policy; }

// Conversations of which there is no prompt are passed over. Each has room for its whole answer, whatever the student
// will say; of one that was seen in part the last answer is given anew. Returns the tokens of the data gone by.
int64_t OnPolicySource::take_places(int64_t tokens, std::vector<Place>& places) {
  const int64_t most = std::max<int64_t>(1, tokens / train::kMinMeanPiece);
  int64_t room = tokens, passed = 0;
  while (std::ssize(places) < most) {
    const int64_t document = loader_.next_document(), prompt = method_.conversations().prompt_size(document);
    if (prompt > 0) {
      const int64_t size = prompt + method_.most_tokens() - 1;
      if (size > room) break;
      room -= size;
      places.push_back({document, draw("answers")});
    }
    passed += loader_.pass_document();
  }
  return passed;
}

void OnPolicySource::next_step(std::vector<MicroBatch>& batches, int64_t tokens) {
  std::vector<std::vector<Place>> places(batches.size());
  for (size_t b = 0; b < batches.size(); ++b)
    if (is_own())
      take_places(tokens, places[b]);
    else
      loader_.next(batches[b], tokens);
  method_.answer(places, batches);
}

int64_t OnPolicySource::skip(int64_t tokens) {
  if (!is_own()) return loader_.skip(tokens);
  std::vector<Place> places;
  return take_places(tokens, places);
}

std::string OnPolicySource::left_out() const {
  const ConversationSet& all = method_.conversations();
  if (all.left_out() == 0) return "";
  return fmt::format(
      "{} of {} conversations are passed over where the student answers: no prompt of theirs leaves room for {} tokens "
      "in sequence_length {}",
      all.left_out(), all.size(), method_.most_tokens(), method_.inputs().config.sequence_length);
}

}  // namespace

std::unique_ptr<train::Method> make_on_policy(const train::MethodInputs& inputs) {
  if (!inputs.train.has_mask())
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("{}: holds documents, which have no answers that the student could give in their place "
                              "(distill.on_policy): expected conversations (maru data pack --chat)",
                              inputs.config.tokens));
  return std::make_unique<OnPolicyMethod>(inputs);
}

}  // namespace maru::tune
