// A tiny decoder, pairs of answers in a cyclic language, and what tests of losses of whole answers do with them.
#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "models/weights.h"
#include "tensor/cpu_device.h"
#include "train/objectives/answers.h"
#include "train/test_pairs.h"
#include "train/trainer.h"

namespace maru::train {

/// Appends a conversation, whose answer's tokens alone are targets.
inline void add_test_answer(MicroBatch& batch, TestAnswer answer) {
  for (size_t t = 1; t < answer.tokens.size(); ++t)
    batch.targets.push_back(answer.mask[t] != 0 ? answer.tokens[t] : -1);
  answer.tokens.pop_back();
  batch.builder.add(answer.tokens);
}

inline MicroBatch test_pairs(uint64_t seed, int count = 6) {
  MicroBatch batch;
  Random random(seed);
  for (int i = 0; i < count; ++i) {
    const std::vector<int32_t> prompt = test_prompt(random, 5);
    for (const int32_t stride : {1, 5}) add_test_answer(batch, TestAnswer(prompt, 1 + random.below(9), stride));
  }
  batch.counted = count;
  return batch;
}

/// Answers by themselves; good ones count by ones.
inline MicroBatch test_labelled(uint64_t seed, int count = 12) {
  MicroBatch batch;
  Random random(seed);
  for (int i = 0; i < count; ++i) {
    const bool good = random.below(2) == 1;
    add_test_answer(batch, TestAnswer(test_prompt(random, 5), 1 + random.below(9), good ? 1 : 5));
    batch.values.push_back(good ? 1 : 0);
  }
  batch.counted = count;
  return batch;
}

/// The sequences [first, last) of a micro-batch.
inline MicroBatch part_of(const MicroBatch& whole, size_t first, size_t last) {
  MicroBatch part;
  const auto& sequences = whole.builder.sequences();
  for (size_t i = first; i < last; ++i) {
    const auto begin = sequences[i].first_row, end = begin + sequences[i].rows;
    part.builder.add(
        std::span(whole.builder.tokens()).subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin)));
    part.targets.insert(part.targets.end(), whole.targets.begin() + begin, whole.targets.begin() + end);
    if (!whole.values.empty()) part.values.push_back(whole.values[i]);
  }
  part.counted = static_cast<int64_t>(whole.values.empty() ? (last - first) / 2 : last - first);
  return part;
}

inline const DecoderConfig kTestModel = maru::resolve({.vocab_size = TestTokens::kVocabulary,
                                                       .hidden_size = 32,
                                                       .intermediate_size = 64,
                                                       .num_hidden_layers = 2,
                                                       .num_attention_heads = 4,
                                                       .num_key_value_heads = 2,
                                                       .max_position_embeddings = 64,
                                                       .initializer_range = 0.2});

class AnswerTest : public testing::Test {
 protected:
  std::unique_ptr<Decoder> make(Dtype dtype, uint64_t seed = 3) {
    auto model = std::make_unique<Decoder>(kTestModel, dtype);
    allocate_values(*model);
    initialise(*model, seed);
    place(device_, *model);
    return model;
  }
  static std::string bits(Model& model) {
    std::string all;
    for (const Parameter* p : model.parameters()) all.append(p->value.data<char>(), p->value.bytes());
    return all;
  }
  // Loss and gradients, which are added.
  double learn(Objective& objective, const MicroBatch& batch, double scale) {
    Arena arena(device_, 1 << 25);
    Tape tape;
    Context ctx{device_, arena, &tape};
    const Tensor loss = objective.loss(ctx, batch, scale);
    tape.backward(ctx, loss);
    return loss.dtype() == Dtype::kF64 ? *loss.data<double>() : static_cast<double>(*loss.data<float>());
  }
  // Of f32.
  static std::vector<double> take_gradients(Model& model) {
    std::vector<double> all;
    for (const Parameter* p : model.parameters())
      for (int64_t i = 0; i < p->gradient.size(); ++i) {
        float& at = p->gradient.data<float>()[i];
        all.push_back(static_cast<double>(std::exchange(at, 0.0F)));
      }
    return all;
  }
  ThreadPool pool_{2};
  CpuDevice device_{&pool_};
};

}  // namespace maru::train
