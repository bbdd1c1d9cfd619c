#include "serving/model_host.h"

#include <gtest/gtest.h>

#include <thread>

#include "infer/fake_model.h"
#include "infer/generate.h"

namespace maru::serving {
namespace {

class ModelHostTest : public testing::Test {
 protected:
  text::Tokenizer tokenizer_ = infer::byte_tokenizer();

  ModelParts parts(infer::StepModel& model, std::string id, int64_t bytes = 100) {
    ModelParts parts;
    parts.model = &model;
    parts.tokenizer = &tokenizer_;
    parts.id = std::move(id);
    parts.bytes = bytes;
    return parts;
  }
  static infer::GenerationRequest request(int64_t tokens) {
    infer::GenerationRequest request;
    request.prompt = {5, 6, 7};
    request.max_tokens = tokens;
    request.seed = 1;
    request.ignore_eos = true;
    return request;
  }
  template <class F>
  static ErrorCode code_of(F f) {
    try {
      f();
    } catch (const Failure& failure) {
      return failure.code();
    }
    return ErrorCode::kInternal;
  }
};

TEST_F(ModelHostTest, FindsModelsByName) {
  infer::FakeModel a, b;
  ModelHost host({});
  host.add(parts(a, "a"));
  host.add(parts(b, "b"));
  EXPECT_EQ("a", host.find("a")->id());
  EXPECT_EQ("b", host.find("b")->id());
  EXPECT_EQ(nullptr, host.find("c"));
  EXPECT_EQ(nullptr, host.find(""));
  EXPECT_EQ("b", host.get("b")->id());
  EXPECT_EQ(ErrorCode::kNotFound, code_of([&] { host.get("c"); }));
  ASSERT_EQ(2u, host.list().size());
  EXPECT_EQ("a", host.list()[0]->id());
  EXPECT_EQ(ErrorCode::kExists, code_of([&] { host.add(parts(a, "b")); }));
  EXPECT_EQ(host.find("a")->engine().stats().pages * 2, host.stats().pages);
}

TEST_F(ModelHostTest, KeepsToItsMemory) {
  infer::FakeModel a, b;
  HostOptions options;
  options.memory_bytes = 150;
  ModelHost host(options);
  host.add(parts(a, "a", 100));
  EXPECT_EQ(ErrorCode::kExhausted, code_of([&] { host.add(parts(b, "b", 51)); }));
  host.add(parts(b, "c", 50));
  EXPECT_EQ(2u, host.list().size());
}

/// Models that share something which only one may use at a time.
class SharedCores : public infer::FakeModel {
 public:
  explicit SharedCores(std::atomic<int>& inside) : inside_(inside) {}
  void run(std::span<const infer::StepSequence> sequences, const infer::LogitsSink& sink) override {
    alone = alone && inside_.fetch_add(1) == 0;
    infer::FakeModel::run(sequences, sink);
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    --inside_;
  }
  std::atomic<bool> alone{true};

 private:
  std::atomic<int>& inside_;
};

TEST_F(ModelHostTest, EnginesTakeTurnsOnTheCores) {
  std::atomic<int> inside{0};
  SharedCores a(inside), b(inside);
  ModelHost host({});
  host.add(parts(a, "a"));
  host.add(parts(b, "b"));
  const std::string expected = infer::generate(host.find("a")->engine(), request(100)).text;
  std::thread other([&] { EXPECT_EQ(expected, infer::generate(host.find("b")->engine(), request(100)).text); });
  EXPECT_EQ(expected, infer::generate(host.find("a")->engine(), request(100)).text);
  other.join();
  EXPECT_TRUE(a.alone && b.alone);
}

}  // namespace
}  // namespace maru::serving
