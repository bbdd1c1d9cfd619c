#include "api/dialect/whole_answer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "base/json.h"
#include "infer/fake_model.h"

namespace maru::api {
namespace {

/// {"text"}, and how often it was asked for.
class Words : public WholeAnswer {
 public:
  Words(serving::Answer answer, int& asked) : WholeAnswer(std::move(answer), http::kPlain), asked_(asked) {}

 private:
  void add(serving::AnswerPiece& piece) override { text_ += piece.text; }
  Json body() override { return {{"text", text_}, {"asked", ++asked_}, {"model", answer().model().id()}}; }
  std::string text_;
  int& asked_;
};

class WholeAnswerTest : public ::testing::Test {
 protected:
  text::Tokenizer tokenizer_ = infer::byte_tokenizer();
  infer::FakeModel model_;
  serving::ModelHost host_{{}};
  serving::ChoiceLimits limits_{{.places = 8, .per_client = 8}};
  std::atomic<int> woken_ = 0;
  int asked_ = 0;

  void SetUp() override {
    model_.only_letters = true;
    serving::ModelParts parts;
    parts.model = &model_;
    parts.tokenizer = &tokenizer_;
    parts.id = "m";
    host_.add(std::move(parts));
  }
  std::unique_ptr<http::Pending> ask() {
    std::vector<infer::GenerationRequest> prompts(1);
    prompts[0].prompt = {5, 6};
    prompts[0].max_tokens = 9;
    prompts[0].ignore_eos = true;
    return std::make_unique<Words>(serving::Answer(host_.find("m"), std::move(prompts), limits_, {}, [&] { ++woken_; }),
                                   asked_);
  }
  static http::Response wait_for(http::Pending& answer) {
    while (!answer.ready()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return answer.response();
  }
};

TEST_F(WholeAnswerTest, GathersAllThatComes) {
  model_.delay_ms = 2;
  const auto answer = ask();
  EXPECT_FALSE(answer->ready()) << "nothing of it is waited for here";
  const http::Response got = wait_for(*answer);
  EXPECT_EQ(200, got.status);
  const Json body = parse_json(got.body, "body").value();
  EXPECT_EQ(9u, body["text"].get<std::string>().size());
  EXPECT_EQ("m", body["model"]);
  EXPECT_EQ(1, asked_);
  EXPECT_GT(woken_, 0);
}

TEST_F(WholeAnswerTest, AFailureIsAnErrorOfTheDialect) {
  model_.fail_next = true;
  const auto answer = ask();
  const http::Response got = wait_for(*answer);
  EXPECT_EQ(500, got.status);
  EXPECT_TRUE(parse_json(got.body, "body").value()["error"].contains("code")) << got.body;
  EXPECT_EQ(0, asked_) << "of which nothing is told";
}

}  // namespace
}  // namespace maru::api
