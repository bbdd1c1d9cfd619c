// The engine as a sampler of the model that is trained.
#include "tune/rollouts.h"

#include "infer/fake_model.h"
#include "infer/sampler.h"
#include "tune/group_policy_batches.h"
#include "tune/judged_answers.h"
#include "tune/test_prompts.h"

namespace maru::tune {
namespace {

bool operator==(const Rollout& a, const Rollout& b) {
  return a.tokens == b.tokens && a.logprobs == b.logprobs && a.ended == b.ended;
}

class RolloutsTest : public PromptRunTest {
 protected:
  void SetUp() override {
    write_model("base");
    load(Dtype::kF32);
  }
  // Weights of its own, not those that are mapped from the file.
  void load(Dtype dtype) {
    model_ = std::make_unique<Decoder>(load_model(root_ / "models/base", dtype)->config(), dtype);
    allocate_values(*model_);
    model_->load(root_ / "models/base");
    place(device_, *model_);
  }
  Rollouts rollouts(RolloutOptions options = {1, 12, {1, 3}}) {
    return {*model_, device_, nullptr, tokenizer_, std::move(options)};
  }
  static RolloutRequest request(uint64_t seed, int64_t answers = 3, size_t prompt = 70) {
    RolloutRequest request{{}, seed, answers};
    for (size_t i = 0; i < prompt; ++i) request.prompt.push_back(static_cast<int32_t>((seed * 31 + i * 7) % 200 + 4));
    return request;
  }
  /// By a forward pass of training over all of it, and the sampler's sum over a row.
  std::vector<float> logprobs_by_training(const RolloutRequest& request, const Rollout& rollout) {
    std::vector<int32_t> tokens = request.prompt;
    tokens.insert(tokens.end(), rollout.tokens.begin(), rollout.tokens.end() - 1);
    BatchBuilder builder;
    builder.add(tokens);
    Arena arena(device_, 1 << 26);
    Tape tape;
    Context training{device_, arena, &tape};
    const Tensor logits = model_->logits(training, model_->forward(training, builder.batch(training)));
    infer::SamplerScratch scratch(kVocabulary);
    std::vector<float> logprobs;
    for (size_t t = 0; t < rollout.tokens.size(); ++t) {
      const auto row = static_cast<int64_t>(request.prompt.size() + t) - 1;
      const std::span<const float> one(logits.data<float>() + row * kVocabulary, kVocabulary);
      logprobs.push_back(infer::logprobs_of(one, rollout.tokens[t], 0, scratch).logprob);
    }
    return logprobs;
  }
  ThreadPool pool_{2};
  CpuDevice device_{&pool_};
  text::Tokenizer tokenizer_ = infer::byte_tokenizer();
  std::unique_ptr<Decoder> model_;
};

TEST_F(RolloutsTest, AnswersDependOnTheirSeedAlone) {
  std::vector<RolloutRequest> requests;
  for (uint64_t i = 0; i < 30; ++i) requests.push_back(request(i));
  const auto together = rollouts().sample(requests);
  for (const size_t i : {size_t{0}, size_t{17}, size_t{29}}) {
    const auto alone = rollouts().sample(std::span(requests).subspan(i, 1));
    for (size_t a = 0; a < 3; ++a) EXPECT_TRUE(together[i][a] == alone[0][a]) << i;
  }
  EXPECT_FALSE(together[0][0] == together[0][1]);
  EXPECT_TRUE(rollouts().sample({}).empty());
}

TEST_F(RolloutsTest, WhatEndsAnAnswerIsAmongItsTokens) {
  RolloutOptions options{1, 40, {}};
  for (int32_t token = 0; token < 26; ++token) options.end_tokens.push_back(token);
  const auto all = rollouts(options).sample(std::vector{request(1, 16)});
  int64_t ended = 0;
  for (const Rollout& rollout : all[0]) {
    ASSERT_EQ(rollout.tokens.size(), rollout.logprobs.size());
    for (size_t t = 0; t + 1 < rollout.tokens.size(); ++t) EXPECT_GE(rollout.tokens[t], 26);
    EXPECT_EQ(rollout.ended, rollout.tokens.back() < 26);
    EXPECT_TRUE(rollout.ended || rollout.tokens.size() == 40u);
    ended += rollout.ended;
  }
  EXPECT_GT(ended, 8);
}

// The weights change between calls: nothing that was computed with those of before may be used.
TEST_F(RolloutsTest, PrefixesOfBeforeAreForgottenWhenTheWeightsChange) {
  Rollouts sampler = rollouts();
  const RolloutRequest asked = request(3);
  sampler.sample(std::span(&asked, 1));
  for (Parameter* p : model_->parameters())
    if (p->name.find("v_proj") != std::string::npos)
      for (int64_t i = 0; i < p->value.size(); ++i) p->value.data<float>()[i] *= -3;
  const std::vector<std::vector<Rollout>> after = sampler.sample(std::span(&asked, 1));
  for (const Rollout& rollout : after[0]) EXPECT_EQ(logprobs_by_training(asked, rollout), rollout.logprobs);
}

// Forward passes over pages and over packed sequences have the same bits; what differs is how the sampler and the loss
// sum up the exponentials of one row.
TEST_F(RolloutsTest, LogitsOfSamplingAreThoseOfTrainingToTheBit) {
  for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16}) {
    load(dtype);
    const RolloutRequest asked = request(5, 2);
    const std::vector<std::vector<Rollout>> all = rollouts().sample(std::span(&asked, 1));
    for (const Rollout& rollout : all[0])
      EXPECT_EQ(logprobs_by_training(asked, rollout), rollout.logprobs) << static_cast<int>(dtype);
  }
}

TEST_F(RolloutsTest, AnswersBecomeMicroBatches) {
  train::GroupPolicyConfig c;
  const std::vector<std::vector<int32_t>> prompts{{10, 11}, {20}};
  const std::vector<std::vector<Rollout>> answers{{{{5, 1}, {}, true}, {{6, 7, 8}, {}, false}}, {{{1}, {}, true}}};
  const std::vector<double> advantages{1, -1, 2};
  std::vector<train::MicroBatch> batches = batches_of(c, prompts, answers, advantages, 64);
  ASSERT_EQ(1u, batches.size());
  EXPECT_EQ((std::vector<int32_t>{10, 11, 5, 10, 11, 6, 7, 20}), batches[0].builder.tokens());
  EXPECT_EQ((std::vector<int32_t>{-1, 5, 1, -1, 6, 7, 8, 1}), batches[0].targets);
  EXPECT_EQ(6, batches[0].counted);
  EXPECT_EQ(-1, batches[0].answers[1].advantage);
  c.mask_truncated_completions = true;
  batches = batches_of(c, prompts, answers, advantages, 4);
  ASSERT_EQ(3u, batches.size());
  EXPECT_EQ((std::vector<int32_t>{-1, -1, -1, -1}), batches[1].targets);
  EXPECT_EQ(0, batches[1].counted);
  c.loss_type = "grpo";
  EXPECT_EQ(1, batches_of(c, prompts, answers, advantages, 4)[1].counted);
}

TEST_F(RolloutsTest, TextsAreWithoutWhatEndsThem) {
  const int32_t a = tokenizer_.encode("a").at(0), end = tokenizer_.id_of("<|im_end|>").value();
  EXPECT_EQ("a", text_of(tokenizer_, {{a, end}, {}, true}));
  EXPECT_EQ("a<|im_end|>", text_of(tokenizer_, {{a, end}, {}, false}));
  EXPECT_EQ("", text_of(tokenizer_, {{end}, {}, true}));
  EXPECT_EQ("a", text_of(tokenizer_, {{a, 100000}, {}, true})) << "a token that only the model knows";
}

}  // namespace
}  // namespace maru::tune
