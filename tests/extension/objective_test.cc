// Another thing to learn, by another model: neither needs an op, a line of the trainer, of checkpoints or of the
// optimiser. The model is no decoder (what follows a token depends on that token alone), the objective prefers one of
// two texts: Rafailov et al. 2023 (DPO), arXiv:2305.18290, eq. 7, with a reference that finds both equally likely.
#include "train/objective.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>

#include "base/random.h"
#include "models/tensor_files.h"
#include "models/weights.h"
#include "ops/embedding.h"
#include "ops/loss.h"
#include "tensor/cpu_device.h"
#include "train/checkpoint.h"
#include "train/trainer.h"

namespace maru::train {
namespace {

// --- the model ---------------------------------------------------------------------------------------------------

constexpr int64_t kVocabulary = 12, kWidth = 6;

class Bigrams final : public Model {
 public:
  explicit Bigrams(Dtype dtype) : Model(dtype) { name_parameters(); }
  Tensor forward(Context& ctx, const Tensor& tokens) { return embedding(ctx, tokens, ctx.use(table_)); }
  Tensor loss(Context& ctx, const Tensor& hidden, const Tensor& targets, const LossOptions& options) {
    return linear_cross_entropy(ctx, hidden, ctx.use(head_), targets, options);
  }

 private:
  void visit(const Visitor& visitor) override {
    visitor("table", table_, {kVocabulary, kWidth}, ParameterRole::kEmbedding);
    visitor("head", head_, {kVocabulary, kWidth}, ParameterRole::kHead);
  }
  Parameter table_, head_;
};

// --- the objective -----------------------------------------------------------------------------------------------

/// Texts come in pairs: the better one, then the other. Loss of a pair: −log σ(β · (log p(better) − log p(other))).
class Preference final : public Objective {
 public:
  explicit Preference(Bigrams& model) : model_(model) {}
  Model& model() override { return model_; }

  Tensor loss(Context& ctx, const MicroBatch& micro, double scale) override {
    const Batch batch = micro.builder.batch(ctx);
    const Shape rows{batch.tokens.rows(), 1};
    const Dtype dtype = accumulator_of(model_.dtype());
    const Tensor targets = ctx.upload(micro.targets.data(), rows, Dtype::kI32);
    const Tensor hidden = model_.forward(ctx, batch.tokens);
    Context quiet = ctx;
    quiet.tape = nullptr;
    const Tensor losses = ctx.empty(rows, dtype), weights = ctx.empty(rows, dtype);
    model_.loss(quiet, hidden, targets, {.token_losses = losses});
    const double sum = ctx.arena.dry() ? 0 : weigh(to_host(losses), batch, weights);
    // Its gradient is that of the preference; what is reported is the preference itself.
    const Tensor loss = model_.loss(ctx, hidden, targets, {.scale = scale, .weights = weights});
    const double value = scale * sum;
    if (!ctx.arena.dry()) upload(loss, &value);
    return loss;
  }

 private:
  // The loss of all pairs; d loss / d (loss of a token) goes into `weights`.
  double weigh(const Tensor& losses, const Batch& batch, const Tensor& weights) const {
    std::vector<double> slopes;
    double sum = 0;
    for (size_t pair = 0; pair + 1 < batch.sequences.size(); pair += 2) {
      double margin = 0;
      for (size_t side : {0, 1})
        for (int64_t r = 0; r < batch.sequences[pair + side].rows; ++r)
          margin -= (side == 0 ? 1 : -1) * losses.data<double>()[batch.sequences[pair + side].first_row + r];
      sum += std::log1p(std::exp(-kBeta * margin));
      const double slope = kBeta / (1 + std::exp(kBeta * margin));
      slopes.insert(slopes.end(), static_cast<size_t>(batch.sequences[pair].rows), slope);
      slopes.insert(slopes.end(), static_cast<size_t>(batch.sequences[pair + 1].rows), -slope);
    }
    upload(weights, slopes.data());
    return sum;
  }

  static constexpr double kBeta = 0.5;
  Bigrams& model_;
};

// --- learning ----------------------------------------------------------------------------------------------------

MicroBatch pairs(uint64_t seed) {
  MicroBatch batch;
  Random random(seed);
  for (int i = 0; i < 8; ++i)
    for (const int32_t stride : {1, 5}) {  // counting by ones is better
      std::vector<int32_t> text{static_cast<int32_t>(random.below(kVocabulary))};
      for (int n = 0; n < 4 + i % 3; ++n) text.push_back((text.back() + stride) % static_cast<int32_t>(kVocabulary));
      batch.targets.insert(batch.targets.end(), text.begin() + 1, text.end());
      text.pop_back();
      batch.builder.add(text);
    }
  batch.counted = 8;
  return batch;
}

class ObjectiveTest : public testing::Test {
 protected:
  struct Learner {
    Bigrams model{Dtype::kF64};
    Preference objective{model};
    std::unique_ptr<Trainer> trainer;
    Learner(Device& device, const TrainConfig& config) {
      allocate_values(model);
      for (Parameter* p : model.parameters()) {
        Random random(derive_seed(7, p->name));
        for (int64_t i = 0; i < p->value.size(); ++i) p->value.data<double>()[i] = random.normal();
      }
      trainer = std::make_unique<Trainer>(objective, config, device);
    }
    StepResult step(int64_t step) {
      std::vector<MicroBatch> batches{pairs(static_cast<uint64_t>(step)), pairs(100 + static_cast<uint64_t>(step))};
      return trainer->step(batches, step, 60);
    }
    std::vector<double> values() {
      std::vector<double> all;
      for (Parameter* p : model.parameters())
        all.insert(all.end(), p->value.data<double>(), p->value.data<double>() + p->value.size());
      return all;
    }
  };
  void TearDown() override { fs::remove_all(run_); }

  TrainConfig config_ = [] {
    TrainConfig c;
    c.micro_batch_tokens = 96, c.sequence_length = 8;
    c.optimizer.lr = 0.05, c.optimizer.weight_decay = 0;
    return c;
  }();
  ThreadPool pool_{2};
  CpuDevice device_{&pool_};
  const fs::path run_ = fs::temp_directory_path() / ("maru_objective_" + std::to_string(::getpid()));
};

TEST_F(ObjectiveTest, TheGradientIsThatOfThePreference) {
  Learner learner(device_, config_);
  const MicroBatch batch = pairs(3);
  Arena arena(device_, 1 << 20);
  const auto value = [&] {
    Context ctx{device_, arena};
    return *learner.objective.loss(ctx, batch, 0.25).data<double>();
  };
  Tape tape;
  Context ctx{device_, arena, &tape};
  tape.backward(ctx, learner.objective.loss(ctx, batch, 0.25));
  for (Parameter* p : learner.model.parameters())
    for (int64_t i = 0; i < p->value.size(); i += 5) {
      double& at = p->value.data<double>()[i];
      const double before = at, h = 1e-5;
      at = before + h;
      const double above = value();
      at = before - h;
      const double below = value();
      at = before;
      EXPECT_NEAR((above - below) / (2 * h), p->gradient.data<double>()[i], 1e-8) << p->name << " " << i;
    }
}

TEST_F(ObjectiveTest, LearnsWhatIsPreferred) {
  Learner learner(device_, config_);
  const double before = learner.step(1).loss;
  double after = 0;
  for (int64_t step = 2; step <= 60; ++step) after = learner.step(step).loss;
  EXPECT_GT(before, 0.3);
  EXPECT_LT(after, 0.05) << "of ln 2 for texts that are equally likely";
}

TEST_F(ObjectiveTest, GoesOnFromACheckpointBitForBit) {
  Learner whole(device_, config_), first(device_, config_), second(device_, config_);
  for (int64_t step = 1; step <= 20; ++step) whole.step(step);
  for (int64_t step = 1; step <= 8; ++step) first.step(step);
  fs::create_directories(run_);
  ledger::Manifest manifest;
  manifest.kind = "checkpoint", manifest.name = "step-00000008";
  save_checkpoint(run_, {.step = 8, .steps = 60}, first.model, first.trainer->optimizer(), manifest, 1);
  const auto state = restore_newest(run_, second.model, second.trainer->optimizer(), [](const std::string&) {});
  ASSERT_EQ(8, state->step);
  EXPECT_EQ(first.values(), second.values());
  for (int64_t step = 9; step <= 20; ++step) second.step(step);
  EXPECT_EQ(whole.values(), second.values());
}

TEST_F(ObjectiveTest, AFileOfAnotherModelIsRefusedByTensor) {
  Bigrams model(Dtype::kF64);
  allocate_values(model);
  const auto error_of = [&](const std::vector<NamedTensor>& stored) -> std::string {
    fs::create_directories(run_);
    save_tensors(run_ / "model.safetensors", stored);
    try {
      model.load(run_);
      return "none";
    } catch (const Failure& e) {
      return e.code() == ErrorCode::kDataLoss ? e.what() : "another code";
    }
  };
  const auto zeros = [](int64_t rows, int64_t cols, Dtype dtype) { return host_tensor({rows, cols}, dtype); };
  const Tensor right = zeros(kVocabulary, kWidth, Dtype::kF64);
  const std::string expected = (run_ / "model.safetensors").string() + ": tensor table: expected F64 of shape [12, 6]";
  EXPECT_EQ("none", error_of({{"table", right}, {"head", right}}));
  EXPECT_EQ(expected, error_of({{"table", zeros(kVocabulary, kWidth, Dtype::kF32)}, {"head", right}}));
  EXPECT_EQ(expected, error_of({{"table", zeros(kWidth, kVocabulary, Dtype::kF64)}, {"head", right}}));
  EXPECT_EQ(expected, error_of({{"head", right}}));
}

}  // namespace
}  // namespace maru::train
