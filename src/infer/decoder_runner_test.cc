// The engine on a real decoder: a request's logits and text are the same bits alone and in company.
#include "infer/decoder_runner.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include "infer/fake_model.h"
#include "infer/generate.h"
#include "infer/loaded_model.h"
#include "models/model_files.h"
#include "models/test_adapter.h"
#include "models/weights.h"
#include "tensor/cpu_device.h"
#include "text/tokenizer/files/tokenizer_json.h"

namespace maru::infer {
namespace {

DecoderConfig tiny_config() {
  return resolve({.vocab_size = 261,
                  .hidden_size = 32,
                  .intermediate_size = 64,
                  .num_hidden_layers = 2,
                  .num_attention_heads = 4,
                  .num_key_value_heads = 2,
                  .max_position_embeddings = 256,
                  .initializer_range = 0.3,
                  .tie_word_embeddings = false});
}

std::unique_ptr<Decoder> tiny_model(Dtype dtype) {
  auto model = std::make_unique<Decoder>(tiny_config(), dtype);
  allocate_values(*model);
  initialise(*model, 3);
  return model;
}

class DecoderRunnerTest : public ::testing::TestWithParam<Dtype> {
 protected:
  ThreadPool pool_{1};
  CpuDevice device_{&pool_};
  std::unique_ptr<Decoder> model_ = tiny_model(GetParam());
  text::Tokenizer tokenizer_ = byte_tokenizer();

  std::unique_ptr<DecoderRunner> runner(int64_t pages = 32) {
    return std::make_unique<DecoderRunner>(*model_, device_,
                                           pages * static_cast<int64_t>(model_->cache_shape().page_bytes()));
  }
  GenerationRequest request(std::string_view prompt, int64_t max_tokens) {
    GenerationRequest request;
    request.prompt = tokenizer_.encode(prompt, {.add_special_tokens = true});
    request.max_tokens = max_tokens;
    request.ignore_eos = true;
    request.seed = 9;
    request.score_prompt = true;
    request.sampling.top_logprobs = 2;
    return request;
  }
  /// Every log-probability of prompt and answer, as they come.
  static std::vector<float> scores(Generation& generation) {
    std::vector<float> all;
    Piece piece;
    while (generation.wait_next(piece) == Generation::Next::kPiece)
      for (const ScoredToken& token : piece.tokens) {
        all.push_back(token.logprob.value_or(0));
        all.push_back(static_cast<float>(token.token));
        for (const TokenLogprob& top : token.top) all.push_back(top.logprob);
      }
    return all;
  }
  std::string prompt_ = "a prompt of more than sixty-four tokens, so that it needs two pages of keys and values";
};

TEST_P(DecoderRunnerTest, LogitsDoNotDependOnCompanyOrChunks) {
  const auto wide = runner(), narrow = runner();
  Engine alone(*wide, tokenizer_, {.max_running = 8, .step_tokens = 512});
  const std::vector<float> expected = scores(*alone.submit(request(prompt_, 60)));
  ASSERT_GT(expected.size(), 4 * 140u);

  Engine crowded(*narrow, tokenizer_, {.max_running = 8, .step_tokens = 13});
  std::vector<std::unique_ptr<Generation>> others;
  for (int i = 0; i < 5; ++i) {
    GenerationRequest other = request("company " + std::string(static_cast<size_t>(i) * 20, 'x'), 30 + 20 * i);
    other.seed = static_cast<uint64_t>(i);
    others.push_back(crowded.submit(std::move(other)));
  }
  const std::vector<float> got = scores(*crowded.submit(request(prompt_, 60)));
  ASSERT_EQ(got.size(), expected.size());
  EXPECT_EQ(std::memcmp(got.data(), expected.data(), got.size() * sizeof(float)), 0);
}

TEST_P(DecoderRunnerTest, PreemptionGivesTheSameBits) {
  const auto large = runner(), small = runner(5);
  Engine free(*large, tokenizer_, {.max_running = 3, .step_tokens = 64});
  const std::vector<float> expected = scores(*free.submit(request(prompt_, 120)));
  Engine tight(*small, tokenizer_, {.max_running = 3, .step_tokens = 64});
  const auto first = tight.submit(request("another one", 200)), second = tight.submit(request(prompt_, 120));
  scores(*first);
  EXPECT_EQ(scores(*second), expected);
  EXPECT_GT(tight.stats().preemptions, 0);
}

// Requests of two adapters and of none at once: each is answered as by an engine that serves its adapter alone.
TEST_P(DecoderRunnerTest, EveryRequestHasItsAdapter) {
  const fs::path home = fs::temp_directory_path() / ("maru-adapters-" + std::to_string(::getpid()));
  std::vector<std::shared_ptr<Adapter>> adapters{nullptr};
  for (const char* only : {"", "lm_head"}) {
    write_test_adapter(home, *model_, 1, 0.3, only);
    adapters.push_back(std::make_shared<Adapter>(device_, *model_, home));
  }
  fs::remove_all(home);
  std::vector<std::vector<float>> expected;
  for (const auto& adapter : adapters) {
    DecoderRunner alone(*model_, device_, 32 * static_cast<int64_t>(model_->cache_shape().page_bytes()), adapter.get());
    Engine engine(alone, tokenizer_, {.max_running = 8, .step_tokens = 512});
    expected.push_back(scores(*engine.submit(request(prompt_, 40))));
  }
  EXPECT_NE(expected[0], expected[1]);
  EXPECT_NE(expected[0], expected[2]);
  EXPECT_NE(expected[1], expected[2]);
  const auto shared = runner();
  Engine engine(*shared, tokenizer_, {.max_running = 8, .step_tokens = 70});
  std::vector<std::unique_ptr<Generation>> answers;
  for (const size_t which : {1, 0, 2, 2, 1}) {
    GenerationRequest r = request(prompt_, 40);
    r.adapter = adapters[which];
    answers.push_back(engine.submit(std::move(r)));
  }
  size_t at = 0;
  for (const size_t which : {1, 0, 2, 2, 1}) EXPECT_EQ(expected[which], scores(*answers[at++])) << at;
}

INSTANTIATE_TEST_SUITE_P(Dtypes, DecoderRunnerTest, ::testing::Values(Dtype::kF32, Dtype::kBf16),
                         [](const auto& info) { return std::string(name_of(info.param)); });

class LoadedModelTest : public ::testing::Test {
 protected:
  const fs::path directory_ = fs::temp_directory_path() / ("maru-loaded-model-" + std::to_string(::getpid()));
  void SetUp() override {
    fs::create_directories(directory_);
    const auto model = tiny_model(Dtype::kF32);
    model->save(directory_);
    write_file(directory_ / "tokenizer.json", text::write_tokenizer_json(byte_tokenizer().spec()));
  }
  void TearDown() override { fs::remove_all(directory_); }
};

TEST_F(LoadedModelTest, GeneratesTheSameEachTime) {
  ThreadPool pool(2);
  CpuDevice device(&pool);
  LoadedModel model(directory_, device, {});
  EXPECT_EQ(model.name(), directory_.filename().string());
  EXPECT_EQ(model.runner().num_pages(), 4);  // one sequence of 256 tokens, not the whole allowance
  Engine engine(model.runner(), model.tokenizer(), {.max_running = 2, .end_tokens = model.end_tokens()});
  GenerationRequest request{.prompt = {0, 70, 71}, .seed = 4, .max_tokens = 50, .ignore_eos = true};
  std::string streamed;
  const GenerationResult first = generate(engine, request, [&](std::string_view text) {
    streamed += text;
    return true;
  });
  EXPECT_EQ(first.text, streamed);
  EXPECT_EQ(first.num_tokens, 50);
  EXPECT_EQ(generate(engine, request).text, first.text);
  const GenerationResult cut = generate(engine, request, [](std::string_view) { return false; });
  EXPECT_TRUE(cut.cancelled);
  EXPECT_LT(cut.text.size(), first.text.size());
}

TEST_F(LoadedModelTest, FindsTheEndTokens) {
  ThreadPool pool(1);
  CpuDevice device(&pool);
  write_file(directory_ / "generation_config.json", R"({"eos_token_id":[9,1]})");
  const LoadedModel model(directory_, device, {});
  EXPECT_EQ(model.end_tokens(), (std::vector<int32_t>{9, 1, 3}));
}

TEST_F(LoadedModelTest, RefusesATokenizerOfAnotherModel) {
  ThreadPool pool(1);
  CpuDevice device(&pool);
  text::TokenizerSpec spec = byte_tokenizer().spec();
  spec.added_tokens.push_back({.id = 300, .content = "<|extra|>"});
  spec.vocabulary.emplace_back(300, "<|extra|>");
  write_file(directory_ / "tokenizer.json",
             text::write_tokenizer_json(text::Tokenizer::create(spec, "x").value().spec()));
  EXPECT_THROW(LoadedModel(directory_, device, {}), Failure);
}

}  // namespace
}  // namespace maru::infer
