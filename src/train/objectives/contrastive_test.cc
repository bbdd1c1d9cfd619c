// Vectors of texts: slopes, what is no negative, figures, the batch of negatives, same bits.
#include "train/objectives/contrastive.h"

#include <cmath>

#include "models/quantize.h"
#include "train/objectives/test_answers.h"
#include "train/objectives/test_differences.h"

namespace maru::train {
namespace {

Rows random_rows(uint64_t seed, int64_t rows, int64_t cols) {
  Rows all{rows, cols, {}};
  Random random(seed);
  for (int64_t i = 0; i < rows * cols; ++i) all.values.push_back(random.normal());
  return all;
}

// Two queries with a document each, and a negative of the second.
TextGroups two_groups() { return {{0, 2}, {1, 3, 4}, {0, 1}, std::vector<char>(6, 0)}; }

template <class F>
void expect_slopes_of_differences(const Rows& vectors, const F& result_of) {
  const ContrastiveResult result = result_of(vectors);
  for (size_t i = 0; i < vectors.values.size(); ++i) {
    Rows moved = vectors;
    moved.values[i] += 1e-5;
    const double above = result_of(moved).loss;
    moved.values[i] -= 2e-5;
    EXPECT_NEAR((above - result_of(moved).loss) / 2e-5, result.slopes.values[i], 1e-7 * (1 + std::abs(result.loss)));
  }
}

TEST(ContrastiveLoss, SlopesAreThoseOfDifferences) {
  TextGroups masked = two_groups();
  masked.same[2] = 1;
  for (const bool symmetric : {false, true})
    for (const TextGroups& groups : {two_groups(), masked})
      expect_slopes_of_differences(random_rows(3, 5, 4), [&](const Rows& v) {
        return info_nce({.temperature = 0.3, .symmetric = symmetric}, v, groups);
      });
  const std::vector<double> scores{0.1, 0.7, 0.7, 0.2};
  expect_slopes_of_differences(random_rows(4, 8, 3),
                               [&](const Rows& v) { return cosent({.temperature = 0.3}, v, scores); });
}

TEST(ContrastiveLoss, ExtremesStayFinite) {
  Rows vectors = random_rows(5, 5, 4);
  std::fill_n(vectors.row(0), 4, 0.0);    // no direction
  std::fill_n(vectors.row(1), 4, 1e150);  // its square is finite, too
  for (const double temperature : {1e-3, 100.0}) {
    const ContrastiveResult result = info_nce({.temperature = temperature}, vectors, two_groups());
    EXPECT_TRUE(std::isfinite(result.loss));
    for (const double slope : result.slopes.values) EXPECT_TRUE(std::isfinite(slope));
  }
  const ContrastiveResult alone = info_nce({}, random_rows(1, 2, 3), {{0}, {1}, {0}, {0}});
  EXPECT_EQ(0, alone.loss) << "nothing to be told from";
  const std::vector<double> equal{0.5, 0.5};
  EXPECT_EQ(0, cosent({}, random_rows(1, 4, 3), equal).loss) << "none is to be closer than another";
}

TEST(ContrastiveLoss, ADocumentAsCloseAsTheRightOneIsBeforeIt) {
  Rows vectors{4, 2, {1, 0, 1, 0, 0, 1, 1, 0}};  // both documents lie where the first query does
  const TextGroups groups{{0, 2}, {1, 3}, {0, 1}, std::vector<char>(4, 0)};
  const ContrastiveResult result = info_nce({}, vectors, groups);
  EXPECT_EQ(0, result.first);
  EXPECT_EQ(1, result.reciprocal_ranks) << "a half of each";
}

TEST(ContrastiveLoss, MrrEndsBehindTheTenth) {
  for (const int64_t closer : {9, 10}) {
    Rows vectors{closer + 2, 2, {1, 0, 0, 1}};
    TextGroups groups{{0}, {1}, {0}, {0}};
    for (int64_t i = 0; i < closer; ++i) {
      vectors.values.insert(vectors.values.end(), {1, 0.1});
      groups.documents.push_back(2 + i), groups.same.push_back(0);
    }
    EXPECT_EQ(closer == 9 ? 0.1 : 0, info_nce({}, vectors, groups).reciprocal_ranks);
  }
}

TEST(Spearman, IsThatOfScipy) {
  const std::vector<double> a{1, 2, 2, 4, 0.5, 7}, b{3, 1, 4, 4, 0, 9};
  EXPECT_NEAR(0.8676470588235294, *spearman(a, b), 1e-12);  // scipy.stats.spearmanr
  EXPECT_NEAR(-1, *spearman(std::vector<double>{1, 2, 3}, std::vector<double>{9, 4, 1}), 1e-12);
  EXPECT_FALSE(spearman(std::vector<double>{1, 1}, std::vector<double>{1, 2})) << "no ranks";
  EXPECT_FALSE(spearman({}, {}));
}

/// Queries that count by a stride, the right document by the same, the negative by another.
MicroBatch test_texts(uint64_t seed, int count = 5) {
  MicroBatch batch;
  Random random(seed);
  const auto add = [&](int32_t stride, double role) {
    std::vector<int32_t> tokens{0, static_cast<int32_t>(2 + random.below(60))};
    for (uint64_t i = 2 + random.below(6); i-- > 0;) tokens.push_back(2 + (tokens.back() + stride) % 60);
    batch.builder.add(tokens);
    batch.values.push_back(role);
  };
  for (int i = 0; i < count; ++i) {
    const int32_t stride = i % 4 == 0 ? 1 : i % 4 == 1 ? 5 : i % 4 == 2 ? 9 : 14;
    add(stride, 0), add(stride, 1);
    if (i % 2 == 0) add(stride + 3, 2);
  }
  batch.counted = count;
  batch.targets.resize(static_cast<size_t>(batch.builder.num_tokens()), -1);  // for part_of
  return batch;
}

class ContrastiveTest : public AnswerTest {
 protected:
  static SentenceEncoder around(Decoder& decoder, Pooling pooling = Pooling::kMean) {
    return SentenceEncoder(text_model(decoder), pooling, 32);
  }
};

TEST_F(ContrastiveTest, GradientsAreThoseOfDifferences) {
  for (const Pooling pooling : {Pooling::kMean, Pooling::kLast}) {
    const auto decoder = make(Dtype::kF64);
    allocate_gradients(device_, *decoder);
    SentenceEncoder texts = around(*decoder, pooling);
    Contrastive objective(texts, nullptr, nullptr, {.temperature = 0.2, .symmetric = true}, false);
    const MicroBatch batch = test_texts(2);
    learn(objective, batch, 0.25);
    std::vector<Parameter*> learnt = decoder->parameters();
    std::erase_if(learnt, [](const Parameter* p) { return p->role == ParameterRole::kHead; });
    expect_gradients_of_differences(objective, device_, batch, 0.25, learnt, 1e-6);
  }
}

MicroBatch of_texts(const std::vector<std::pair<std::vector<int32_t>, double>>& texts) {
  MicroBatch batch;
  for (const auto& [tokens, role] : texts) {
    batch.builder.add(tokens);
    batch.values.push_back(role);
    batch.counted += role == 0;
  }
  return batch;
}

TEST_F(ContrastiveTest, TheSameTextIsNoNegativeOfItself) {
  const auto decoder = make(Dtype::kF64);
  SentenceEncoder texts = around(*decoder);
  const std::vector<int32_t> q{0, 5, 6}, p{0, 9, 8}, other{0, 30, 31}, right{0, 40, 2};
  const auto loss_of = [&](const MicroBatch& batch) {
    Contrastive objective(texts, nullptr, nullptr, {}, false);
    return learn(objective, batch, 1);
  };
  allocate_gradients(device_, *decoder);
  EXPECT_EQ(0, loss_of(of_texts({{q, 0}, {p, 1}, {q, 0}, {p, 1}}))) << "nothing but itself";
  EXPECT_EQ(0, loss_of(of_texts({{q, 0}, {p, 1}, {q, 0}, {right, 1}}))) << "both are right for this query";
  EXPECT_LT(0, loss_of(of_texts({{q, 0}, {p, 1}, {other, 0}, {right, 1}, {p, 2}})));
  EXPECT_LT(0, loss_of(of_texts({{q, 0}, {p, 1}, {right, 2}})));
}

TEST_F(ContrastiveTest, NegativesAreThoseOfTheMicroBatch) {
  const auto decoder = make(Dtype::kF32);
  SentenceEncoder texts = around(*decoder);
  allocate_gradients(device_, *decoder);
  Contrastive objective(texts, nullptr, nullptr, {}, false);
  const MicroBatch whole = test_texts(7, 4);
  const double together = learn(objective, whole, 1);
  const double apart = learn(objective, part_of(whole, 0, 5), 1) + learn(objective, part_of(whole, 5, 10), 1);
  EXPECT_LT(apart, together) << "less to be told from";
}

TEST_F(ContrastiveTest, FiguresOfPairsWithScoresAreOfAllThatWasSeen) {
  const auto decoder = make(Dtype::kF32);
  SentenceEncoder texts = around(*decoder);
  Contrastive objective(texts, nullptr, nullptr, {}, true);
  MicroBatch batch = test_texts(3, 4);  // 10 sequences: five pairs
  batch.values = {0.1, 0.1, 0.9, 0.9, 0.4, 0.4, 0.5, 0.5, 0.7, 0.7};
  batch.counted = 5;
  StepMemory memory(device_);
  memory.run([&](Context& ctx) { objective.score(ctx, batch); });
  const auto whole = objective.take_figures();
  for (const auto& [first, last] : {std::pair{0, 4}, std::pair{4, 10}}) {
    MicroBatch part = part_of(batch, static_cast<size_t>(first), static_cast<size_t>(last));
    part.counted = (last - first) / 2;
    memory.run([&](Context& ctx) { objective.score(ctx, part); });
  }
  EXPECT_EQ(whole.at("spearman"), objective.take_figures().at("spearman"));
  EXPECT_FALSE(whole.contains("accuracy"));
  EXPECT_TRUE(objective.take_figures().empty());
}

TEST_F(ContrastiveTest, LearnsWithTheSameBits) {
  for (const std::string weights : {"plain", "adapter", "int4"}) {
    ThreadPool three(3);
    CpuDevice other(&three);
    const auto run = [&](CpuDevice& device, bool recompute) {
      const auto decoder = make(Dtype::kBf16);
      decoder->recompute = recompute;
      if (weights == "int4") quantize_weights(device, *decoder, QuantizedKind::kInt4);
      std::unique_ptr<Adapter> adapter;
      if (weights != "plain") adapter = std::make_unique<Adapter>(device, *decoder, LoraConfig{.rank = 3}, 5);
      SentenceEncoder texts = around(*decoder);
      Contrastive objective(texts, adapter.get(), adapter ? &adapter->everywhere() : nullptr, {}, false);
      TrainConfig c;
      c.model = kTestModel;
      c.sequence_length = 16, c.micro_batch_tokens = 192, c.batch_tokens = 192, c.optimizer.lr = 1e-2;
      Trainer trainer(objective, c, device);
      for (int64_t at = 1; at <= 20; ++at) {
        std::vector<MicroBatch> batches{test_texts(100, 4)};
        trainer.step(batches, at, 20);
      }
      objective.take_figures();
      StepMemory memory = trainer.memory();
      memory.run([&](Context& ctx) { objective.score(ctx, test_texts(100, 4)); });
      const auto figures = objective.take_figures();
      EXPECT_EQ(1, figures.at("accuracy")) << weights << ": of what it has learnt";
      EXPECT_EQ(1, figures.at("mrr")) << weights;
      return bits(objective.model());
    };
    const std::string stored = run(device_, false);
    EXPECT_EQ(stored, run(other, false)) << weights << ", three threads";
    EXPECT_EQ(stored, run(device_, true)) << weights << ", recomputed";
  }
}

}  // namespace
}  // namespace maru::train
