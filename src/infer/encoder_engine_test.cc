#include "infer/encoder_engine.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>

#include "base/file.h"
#include "base/json.h"
#include "tensor/cpu_device.h"

namespace maru::infer {
namespace {

class EncoderEngineTest : public testing::Test {
 protected:
  static constexpr const char* kModel = "tests/golden/encoders/bert_classifier";
  ThreadPool pool_{2};
  CpuDevice device_{&pool_};
  SentenceEncoder model_ = SentenceEncoder::load(kModel, Dtype::kF32);
  EncoderRunner runner_{model_, device_};

  static EncoderInput text(int32_t first, int64_t size) {
    EncoderInput input;
    for (int32_t i = 0; i < size; ++i) input.tokens.push_back((first + i) % 60 + 1);
    return input;
  }
  static std::vector<EncoderInput> texts(int64_t count) {
    std::vector<EncoderInput> all;
    for (int32_t i = 0; i < count; ++i) all.push_back(text(i, 3 + i % 20));
    return all;
  }
  static std::vector<std::vector<float>> wait(Encoding& encoding) {
    for (int i = 0; i < 2000 && !encoding.ready(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return encoding.take();
  }
};

TEST_F(EncoderEngineTest, GivesEveryTextItsOwnVector) {
  const std::vector<EncoderInput> inputs = texts(50);
  const std::vector<std::vector<float>> expected = runner_.embed(inputs), classes = runner_.classify(inputs);
  EncoderEngine engine(runner_, {.step_tokens = 40});
  auto embedded = engine.submit(inputs, EncoderTask::kEmbed),
       classified = engine.submit(inputs, EncoderTask::kClassify);
  EXPECT_EQ(expected, wait(*embedded));
  EXPECT_EQ(classes, wait(*classified));
  EXPECT_EQ(100, engine.stats().texts);
  EXPECT_EQ(0, engine.stats().waiting_tokens);
}

TEST_F(EncoderEngineTest, ManyTextsDoNotKeepASingleOneWaiting) {
  EncoderEngine engine(runner_, {.step_tokens = 64});
  auto many = engine.submit(texts(3000), EncoderTask::kEmbed), one = engine.submit({text(1, 5)}, EncoderTask::kEmbed);
  wait(*one);
  EXPECT_FALSE(many->ready());
}

TEST_F(EncoderEngineTest, WakesOnceAllIsThere) {
  EncoderEngine engine(runner_, {.step_tokens = 30});
  std::atomic<int> woken{0};
  auto encoding = engine.submit(texts(20), EncoderTask::kEmbed, [&] { ++woken; });
  EXPECT_EQ(20u, wait(*encoding).size());
  for (int i = 0; i < 200 && woken == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(1, woken);
}

TEST_F(EncoderEngineTest, AFailedStepFailsItsRequestsOnly) {
  EncoderEngine engine(runner_, {.step_tokens = 8});
  EncoderInput bad = text(1, 5);
  bad.tokens[2] = 1000;
  auto failing = engine.submit({bad}, EncoderTask::kEmbed), good = engine.submit({text(1, 5)}, EncoderTask::kEmbed);
  EXPECT_THROW(wait(*failing), Failure);
  EXPECT_EQ(runner_.embed(std::vector{text(1, 5)}), wait(*good));
}

TEST_F(EncoderEngineTest, RefusesWhatWouldWaitTooLong) {
  EncoderEngine engine(runner_, {.step_tokens = 8, .max_waiting = 2});
  std::vector<std::unique_ptr<Encoding>> held;
  EXPECT_THROW(
      {
        for (int i = 0; i < 50; ++i) held.push_back(engine.submit(texts(1000), EncoderTask::kEmbed));
      },
      Failure);
  held.clear();
  for (int i = 0; i < 500 && engine.stats().waiting_tokens > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(0, engine.stats().waiting_tokens) << "nobody waits for them any more";
}

TEST_F(EncoderEngineTest, NothingIsReadyAtOnceAndStoppingFailsTheRest) {
  std::unique_ptr<Encoding> left;
  {
    EncoderEngine engine(runner_, {.step_tokens = 8});
    EXPECT_TRUE(engine.submit({}, EncoderTask::kEmbed)->ready());
    left = engine.submit(texts(3000), EncoderTask::kEmbed);
  }
  ASSERT_TRUE(left->ready());
  EXPECT_THROW(left->take(), Failure);
}

}  // namespace
}  // namespace maru::infer
