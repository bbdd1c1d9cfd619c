// The model of golden numbers of TRL's losses (tests/reference/trl_golden.py), its reference, and the comparison.
#pragma once
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>

#include "base/json.h"
#include "models/model_files.h"
#include "models/weights.h"
#include "tensor/cpu_device.h"
#include "train/objective.h"

namespace maru::train {

inline constexpr double kClose = 1e-5;  // relative

/// tests/golden/models/llama in f32.
inline std::unique_ptr<Decoder> load_golden_model(Device& device) {
  const fs::path directory = "tests/golden/models/llama";
  auto model = std::make_unique<Decoder>(load_model(directory, Dtype::kF32)->config(), Dtype::kF32);
  allocate_values(*model);
  model->load(directory);
  place(device, *model);
  return model;
}

/// Compares the norm, a weighted sum and some elements of a gradient.
inline void expect_gradient(const Json& expected, const Tensor& gradient, const std::string& what) {
  const auto* g = gradient.data<float>();
  const int64_t size = gradient.size();
  const int64_t step = std::max<int64_t>(1, size / static_cast<int64_t>(expected["elements"].size()));
  double squares = 0, weighted = 0;
  for (int64_t i = 0; i < size; ++i) {
    squares += static_cast<double>(g[i]) * static_cast<double>(g[i]);
    weighted += static_cast<double>(g[i]) * static_cast<double>(i * 7919 % 97 - 48) / 48;
  }
  const auto norm = expected["norm"].get<double>(), largest = expected["largest"].get<double>();
  EXPECT_NEAR(norm, std::sqrt(squares), kClose * norm) << what;
  EXPECT_NEAR(expected["weighted"].get<double>(), weighted, kClose * norm * std::sqrt(static_cast<double>(size) / 3))
      << what;
  for (size_t i = 0; i < expected["elements"].size(); ++i)
    EXPECT_NEAR(expected["elements"][i].get<double>(), g[static_cast<int64_t>(i) * step + 7], kClose * largest)
        << what << " " << i;
}

/// Appends a prompt with an answer, whose tokens alone are targets.
inline void add_answer(MicroBatch& batch, const Json& prompt, const Json& answer) {
  auto tokens = prompt.get<std::vector<int32_t>>();
  const size_t begin = tokens.size();
  for (const Json& token : answer) tokens.push_back(token.get<int32_t>());
  for (size_t t = 1; t < tokens.size(); ++t) batch.targets.push_back(t >= begin ? tokens[t] : -1);
  tokens.pop_back();
  batch.builder.add(tokens);
}

inline MicroBatch batch_of_pairs(const Json& pairs) {
  MicroBatch batch;
  for (const Json& pair : pairs)
    for (const char* side : {"chosen", "rejected"}) add_answer(batch, pair["prompt"], pair[side]);
  batch.counted = static_cast<int64_t>(pairs.size());
  return batch;
}

class TrlGolden : public testing::Test {
 protected:
  void SetUp() override {
    for (Parameter* p : reference_->parameters())
      if (p->name.find("o_proj") != std::string::npos || p->name.find("down_proj") != std::string::npos)
        for (int64_t i = 0; i < p->value.size(); ++i) p->value.data<float>()[i] *= -0.5F;
    allocate_gradients(device_, *model_);
  }
  // Loss and gradients of a case, which are zero again behind it.
  void compare(const Json& expected, Objective& objective, const MicroBatch& batch, const std::string& what) {
    Arena arena(device_, 1 << 25);
    Tape tape;
    Context ctx{device_, arena, &tape};
    const Tensor loss = objective.loss(ctx, batch, 1 / static_cast<double>(batch.counted));
    tape.backward(ctx, loss);
    const auto value = expected["loss"].get<double>();
    EXPECT_NEAR(value, *loss.data<float>(), kClose * std::abs(value)) << what;
    expect_gradients(expected["gradients"], what);
  }
  // Of the model's parameters by name; all are zero again behind it.
  void expect_gradients(const Json& expected, const std::string& what) {
    for (const auto& item : expected.items()) {
      const auto is_it = [&](const Parameter* p) { return p->name == item.key(); };
      const Parameter* parameter = *std::ranges::find_if(model_->parameters(), is_it);
      expect_gradient(item.value(), parameter->gradient, what + " " + item.key());
    }
    forget_gradients();
  }
  void forget_gradients() {
    for (Parameter* p : model_->parameters()) std::fill_n(p->gradient.data<float>(), p->gradient.size(), 0.0F);
  }
  ThreadPool pool_{2};
  CpuDevice device_{&pool_};
  std::unique_ptr<Decoder> model_ = load_golden_model(device_), reference_ = load_golden_model(device_);
};

}  // namespace maru::train
