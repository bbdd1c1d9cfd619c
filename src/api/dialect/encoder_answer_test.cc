#include "api/dialect/encoder_answer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "base/json.h"
#include "base/request_failure.h"
#include "infer/test_encoder.h"
#include "serving/model_host.h"
#include "tensor/cpu_device.h"

namespace maru::api {
namespace {

class EncoderAnswerTest : public ::testing::Test {
 protected:
  ThreadPool pool_{1};
  CpuDevice device_{&pool_};
  const fs::path home_ = fs::temp_directory_path() / ("maru-encoder-answer-" + std::to_string(::getpid()));
  serving::ModelHost host_{{}};
  platform::RateLimiter rates_;
  serving::ChoiceLimits limits_{{.places = 8, .per_client = 8}, &rates_};
  http::Request request_;

  void SetUp() override {
    infer::write_test_encoder("tests/golden/encoders/bert_mean", home_ / "mean");
    host_.load({.path = home_ / "mean", .id = ""}, device_);
  }
  void TearDown() override { fs::remove_all(home_); }
  EncoderWork work(const Json& texts) {
    EncoderWork work{.model = host_.get_encoder("mean", {}), .inputs = {}, .dialect = http::kPlain};
    for (const JsonNode& text : JsonNode::of_request(texts, "texts").elements())
      work.inputs.push_back(read_text(*work.model, text, "", infer::Truncation::kNone));
    return work;
  }
  http::Response ask(const Json& texts, const std::function<Json(const Vectors&, int64_t)>& render) {
    const auto answer = encoder_answer(
        work(texts), request_, limits_, [] {}, render);
    while (!answer->ready()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return answer->response();
  }
};

TEST_F(EncoderAnswerTest, HandsOutTheVectorsOfAllTextsInOrder) {
  request_.record = std::make_shared<RequestRecord>("");
  Vectors both, one;
  int64_t tokens = 0;
  const http::Response got = ask({"save", "how to save a file"}, [&](const Vectors& vectors, int64_t n) {
    both = vectors, tokens = n;
    return Json{{"n", vectors.size()}};
  });
  EXPECT_EQ(200, got.status);
  EXPECT_EQ(R"({"n":2})", got.body);
  ask({"how to save a file"}, [&](const Vectors& vectors, int64_t) { return one = vectors, Json(); });
  ASSERT_EQ(2u, both.size());
  EXPECT_EQ(one.at(0), both[1]);
  EXPECT_EQ("mean", request_.record->notes().model);
  EXPECT_GT(tokens, 5);
}

TEST_F(EncoderAnswerTest, WhatGoesWrongIsAnErrorOfTheDialect) {
  const http::Response got = ask(
      {"a"}, [](const Vectors&, int64_t) -> Json { throw Failure(ErrorCode::kInternal, "not to be put into words"); });
  EXPECT_EQ(500, got.status);
  EXPECT_TRUE(parse_json(got.body, "body").value()["error"].contains("code")) << got.body;
}

TEST_F(EncoderAnswerTest, NamesTheTextAtFault) {
  std::string longer;
  for (int i = 0; i < 200; ++i) longer += "file ";
  for (const Json& bad : {Json(""), Json(longer), Json(3)}) try {
      work({"a", bad});
      ADD_FAILURE() << bad.dump();
    } catch (const RequestFailure& failure) {
      EXPECT_EQ("texts[1]", failure.field()) << failure.what();
    }
}

TEST_F(EncoderAnswerTest, APrefixStandsBeforeTheText) {
  const auto model = host_.get_encoder("mean", {});
  const Json whole = "how to save", rest = "to save";
  const auto read = [&](const Json& text, const char* prefix) {
    return read_text(*model, JsonNode::of_request(text, "t"), prefix, infer::Truncation::kEnd).tokens;
  };
  EXPECT_EQ(read(whole, ""), read(rest, "how "));
  EXPECT_NE(read(whole, ""), read(rest, ""));
}

}  // namespace
}  // namespace maru::api
