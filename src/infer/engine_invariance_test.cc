// A seeded request says the same, to the bit of every log-probability, whatever happens around it: each combination of
// company, known prefixes, small steps, few pages, guesses, further choices and other adapters in the same step, on
// every family.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "infer/decoder_runner.h"
#include "infer/engine.h"
#include "infer/fake_model.h"
#include "models/model_files.h"
#include "models/test_adapter.h"
#include "tensor/cpu_device.h"

namespace maru::infer {
namespace {

const fs::path kModels = "tests/golden/models";

// Whose files name weights otherwise than the test adapter does.
const std::set<std::string> kOtherNames{"exaone", "gpt2", "gpt_neox", "gpt_neox_sequential", "phi3"};

std::vector<std::string> families() {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(kModels)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

struct Around {
  bool company, prefix, small_steps, few_pages, guesses, choices, adapters;
};
constexpr int kAround = 1 << 7;
Around around(int bits) {
  return {(bits & 1) != 0,  (bits & 2) != 0,  (bits & 4) != 0, (bits & 8) != 0,
          (bits & 16) != 0, (bits & 32) != 0, (bits & 64) != 0};
}

using Said = std::vector<std::pair<int32_t, float>>;

class EngineInvariance : public testing::TestWithParam<std::string> {
 protected:
  void TearDown() override { fs::remove_all(home_); }
  const fs::path home_ =
      fs::temp_directory_path() / ("maru-invariance-" + GetParam() + "-" + std::to_string(::getpid()));
  ThreadPool pool_{2};
  CpuDevice device_{&pool_};
  text::Tokenizer tokenizer_ = byte_tokenizer();
  std::unique_ptr<Decoder> model_;
  std::shared_ptr<Adapter> adapter_;
  bool int8_cache_ = false;
  int64_t preemptions_ = 0, reused_ = 0, accepted_ = 0;

  /// Goes on by repeating itself, so that there is something to guess.
  static GenerationRequest request(int32_t first, int64_t size) {
    GenerationRequest r;
    for (int32_t i = 0; i < size; ++i) r.prompt.push_back((first + i % 7 * 5) % 90);
    r.max_tokens = 30;
    r.ignore_eos = true;
    r.seed = 4;
    r.sampling = {.temperature = 0.5, .top_p = 0.95, .presence_penalty = -1.5, .top_logprobs = 2};
    return r;
  }
  static Said read(Generation& generation) {
    Said said;
    Piece piece;
    auto next = generation.wait_next(piece);
    for (; next == Generation::Next::kPiece; next = generation.wait_next(piece))
      for (const ScoredToken& token : piece.tokens)
        if (piece.choice == 0) said.emplace_back(token.token, token.logprob.value_or(0));
    if (next == Generation::Next::kFailed) throw Failure(generation.error());
    return said;
  }

  Said say(const Around& a) {
    const int64_t size = model_->config().max_position_embeddings > 200 ? 150 : 90;
    const auto page = static_cast<int64_t>(model_->cache_shape(int8_cache_).page_bytes());
    DecoderRunner runner(*model_, device_, (a.few_pages ? 2 * (size + 94) / 64 : 64) * page, nullptr, int8_cache_);
    DecoderRunner draft(*model_, device_, 64 * page, nullptr, int8_cache_);  // of the same weights: it is often right
    Engine engine(runner, tokenizer_,
                  {.max_running = 8,
                   .step_tokens = a.small_steps ? 11 : 256,
                   .draft_tokens = a.guesses ? 4 : 0,
                   .draft_model = a.choices ? &draft : nullptr,
                   .prefix_cache = a.prefix});
    std::vector<std::unique_ptr<Generation>> others;
    if (a.prefix) read(*engine.submit(request(1, size - 10)));
    for (int32_t i = 0; i < (a.company ? 4 : 0); ++i) {
      GenerationRequest other = request(i % 2, size - 50 + i);
      if (a.adapters && i % 2 == 0) other.adapter = adapter_;
      others.push_back(engine.submit(std::move(other)));
    }
    GenerationRequest mine = request(1, size);
    mine.choices = a.choices ? 2 : 1;
    const Said said = read(*engine.submit(std::move(mine)));
    for (auto& other : others) read(*other);
    const EngineStats stats = engine.stats();
    preemptions_ += stats.preemptions;
    reused_ += stats.reused_tokens;
    accepted_ += stats.accepted_tokens;
    return said;
  }
};

TEST_P(EngineInvariance, NothingAroundChangesAnAnswer) {
  for (const auto& [dtype, int8] : {std::pair(Dtype::kF32, false), {Dtype::kBf16, false}, {Dtype::kBf16, true}}) {
    int8_cache_ = int8;
    model_ = load_model(kModels / GetParam(), dtype);
    if (!kOtherNames.contains(GetParam())) {
      write_test_adapter(home_, *model_, 1, 0.3, "attn");
      adapter_ = std::make_shared<Adapter>(device_, *model_, home_);
    }
    const Said alone = say({});
    ASSERT_EQ(30u, alone.size());
    for (int bits = 1; bits < kAround; ++bits) {
      const Around a = around(bits);
      if (a.adapters && (!a.company || adapter_ == nullptr)) continue;  // of nobody
      ASSERT_EQ(alone, say(a)) << name_of(dtype) << (int8 ? ", 8 bits in the cache" : "") << ", combination " << bits;
    }
  }
  EXPECT_GT(preemptions_, 10);
  EXPECT_GT(reused_, 1000);
  EXPECT_GT(accepted_, 10);
}

INSTANTIATE_TEST_SUITE_P(Families, EngineInvariance, testing::ValuesIn(families()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace maru::infer
