// Every family against transformers: the directories of tests/golden/models through the normal loader, whole, in chunks
// and token by token.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "formats/safetensors.h"
#include "models/model_files.h"
#include "models/weights.h"
#include "tensor/cpu_device.h"

namespace maru {
namespace {

const fs::path kGoldens = "tests/golden/models";

std::vector<std::string> directories() {
  std::vector<std::string> names;
  if (!fs::is_directory(kGoldens)) return names;
  for (const fs::directory_entry& entry : fs::directory_iterator(kGoldens))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

template <class T>
std::vector<T> values(const formats::SafetensorsFile& file, const std::string& name) {
  const std::span<const std::byte> bytes = file.entries().at(name).bytes;
  std::vector<T> out(bytes.size() / sizeof(T));
  std::memcpy(out.data(), bytes.data(), bytes.size());
  return out;
}

/// What transformers found.
struct Expected {
  std::vector<int32_t> prompt, greedy;
  std::vector<float> logits, norms;
  float bf16_error;

  explicit Expected(const fs::path& directory) {
    const formats::SafetensorsFile file = formats::SafetensorsFile::open(directory / "expected.safetensors").value();
    prompt = values<int32_t>(file, "prompt");
    greedy = values<int32_t>(file, "greedy");
    logits = values<float>(file, "logits");
    norms = values<float>(file, "norms");
    bf16_error = values<float>(file, "bf16_error").at(0);
  }
};

class Golden : public testing::TestWithParam<std::string> {
 protected:
  Expected expected_{kGoldens / GetParam()};
  ThreadPool pool_{1};
  CpuDevice device_{&pool_};
  Arena arena_{device_, 1 << 24};

  std::unique_ptr<Decoder> load(Dtype dtype) { return load_model(kGoldens / GetParam(), dtype); }
  std::vector<float> run(Decoder& model, const BatchBuilder& builder, KvCache* cache = nullptr) {
    Context ctx{device_, arena_};
    const Tensor hidden = model.forward(ctx, builder.batch(ctx, cache));
    if (model.observe) model.observe(model.config().num_hidden_layers + 1, hidden);
    const Tensor y = model.logits(ctx, hidden);
    return {y.data<float>(), y.data<float>() + y.size()};
  }
  std::vector<float> whole(Decoder& model) {
    BatchBuilder builder;
    builder.add(expected_.prompt);
    return run(model, builder);
  }
  /// Logits of tokens fed in pieces of these sizes through the cache.
  std::vector<float> in_pieces(Decoder& model, KvCache& cache, const std::vector<size_t>& pieces) {
    std::vector<float> logits;
    size_t done = 0;
    for (const size_t piece : pieces) {
      BatchBuilder builder;
      builder.add(std::span(expected_.prompt).subspan(done, piece), static_cast<int64_t>(done), {1, 0});
      const std::vector<float> some = run(model, builder, &cache);
      logits.insert(logits.end(), some.begin(), some.end());
      done += piece;
    }
    EXPECT_EQ(expected_.prompt.size(), done);
    return logits;
  }
  /// Equal to 1e-4 of the size of the logits.
  void expect_near(const std::vector<float>& got) {
    ASSERT_EQ(expected_.logits.size(), got.size());
    for (size_t i = 0; i < got.size(); ++i)
      ASSERT_NEAR(expected_.logits[i], got[i], 1e-4 * (1 + std::abs(expected_.logits[i])))
          << "token " << i * 64 / got.size() << ", entry " << i;
  }
};

TEST_P(Golden, HiddenStatesAndLogits) {
  const auto model = load(Dtype::kF32);
  std::vector<float> norms;
  model->observe = [&](int64_t, const Tensor& hidden) {
    for (int64_t r = 0; r < hidden.rows(); ++r) {
      double squares = 0;
      for (int64_t c = 0; c < hidden.cols(); ++c)
        squares += std::pow(static_cast<double>(hidden.data<float>()[r * hidden.cols() + c]), 2);
      norms.push_back(static_cast<float>(std::sqrt(squares)));
    }
  };
  expect_near(whole(*model));
  ASSERT_EQ(expected_.norms.size(), norms.size());
  for (size_t i = 0; i < norms.size(); ++i)
    ASSERT_NEAR(expected_.norms[i], norms[i], 1e-4 * expected_.norms[i]) << "depth " << i / 64 << ", token " << i % 64;
}

TEST_P(Golden, InChunksAndTokenByToken) {
  const auto model = load(Dtype::kF32);
  KvCache cache(device_, model->cache_shape(), 2);
  expect_near(in_pieces(*model, cache, {7, 30, 1, 26}));
  std::vector<size_t> ones(expected_.prompt.size(), 1);
  expect_near(in_pieces(*model, cache, ones));
}

TEST_P(Golden, GreedyTokens) {
  const auto model = load(Dtype::kF32);
  KvCache cache(device_, model->cache_shape(), 2);
  std::vector<float> logits = in_pieces(*model, cache, {64});
  std::vector<int32_t> tokens;
  while (tokens.size() < expected_.greedy.size()) {
    const auto row = logits.end() - model->config().vocab_size;
    tokens.push_back(static_cast<int32_t>(std::max_element(row, logits.end()) - row));
    BatchBuilder builder;
    builder.add(std::span(tokens).last(1), static_cast<int64_t>(63 + tokens.size()), {1, 0});
    logits = run(*model, builder, &cache);
  }
  EXPECT_EQ(expected_.greedy, tokens);
}

// The measure is what transformers itself loses in bf16.
TEST_P(Golden, Bf16) {
  const auto model = load(Dtype::kBf16);
  const std::vector<float> got = whole(*model);
  double squares = 0;
  for (size_t i = 0; i < got.size(); ++i) squares += std::pow(static_cast<double>(got[i] - expected_.logits[i]), 2);
  EXPECT_LT(std::sqrt(squares / static_cast<double>(got.size())), 1.5 * expected_.bf16_error);
}

TEST_P(Golden, SavedAndLoadedIsTheSame) {
  const fs::path directory = fs::temp_directory_path() / ("maru_golden_" + std::to_string(::getpid()));
  const auto model = load_model(kGoldens / GetParam());
  model->save(directory);
  const auto again = load_model(directory);
  EXPECT_EQ(to_json(model->config()), to_json(again->config()));
  const auto a = model->parameters(), b = again->parameters();
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i)
    EXPECT_EQ(0, std::memcmp(a[i]->value.data<char>(), b[i]->value.data<char>(), a[i]->value.bytes())) << a[i]->name;
  fs::remove_all(directory);
}

INSTANTIATE_TEST_SUITE_P(Families, Golden, testing::ValuesIn(directories()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace maru
