// Embeddings and reranking from end to end.
#include <unistd.h>

#include <cmath>
#include <cstring>

#include "api/test_server.h"
#include "base/base64.h"
#include "base/hash.h"
#include "infer/test_encoder.h"
#include "models/sentence_encoder.h"
#include "models/weights.h"
#include "tensor/cpu_device.h"

namespace maru::api {
namespace {

class EncodersTest : public ServeTest {
 protected:
  ThreadPool pool_{2};
  CpuDevice device_{&pool_};
  const fs::path home_ = fs::temp_directory_path() / ("maru-encoders-" + std::to_string(::getpid()));
  void TearDown() override { fs::remove_all(home_); }
  void SetUp() override {
    infer::write_test_encoder("tests/golden/encoders/bert_mean", home_ / "mean");
    infer::write_test_encoder("tests/golden/encoders/xlmr_reranker", home_ / "rank");
    serve();
  }
  void serve() {
    server_ = std::make_unique<ApiServer>(config_, context_, [this](serving::ModelHost& host) {
      host.add(fake_parts(model_, tokenizer_, &chat_template_));
      host.load({.path = home_ / "mean", .id = ""}, device_);
      host.load({.path = home_ / "rank", .id = ""}, device_);
    });
  }
};

TEST_F(EncodersTest, AreModelsLikeAnyOther) {
  const Json list = get("/v1/models").json["data"];
  ASSERT_EQ(3u, list.size());
  EXPECT_EQ("mean", list[1]["id"]);
  EXPECT_EQ("rank", get("/v1/models/rank").json["id"]);
}

TEST_F(EncodersTest, TextsBecomeVectors) {
  const Got one = post("/v1/embeddings", R"({"model":"mean","input":"how to save a file"})");
  ASSERT_EQ(200, one.status) << one.body;
  const Json vector = one.json["data"][0]["embedding"];
  EXPECT_EQ(32u, vector.size());
  const Got two =
      post("/v1/embeddings", R"({"model":"mean","input":["b","how to save a file"],"encoding_format":"base64"})");
  const std::string bytes = *from_base64(two.json["data"][1]["embedding"].get<std::string>());
  ASSERT_EQ(32u * 4, bytes.size());
  std::vector<float> floats(32);
  std::memcpy(floats.data(), bytes.data(), bytes.size());
  for (size_t i = 0; i < 32; ++i) EXPECT_EQ(floats[i], static_cast<float>(vector[i].get<double>()));
  EXPECT_GT(two.json["usage"]["total_tokens"], one.json["usage"]["total_tokens"]);
  EXPECT_EQ(one.json["data"],
            post("/v1/embeddings", R"({"model":"mean-query","input":"how to save a file"})").json["data"]);
}

TEST_F(EncodersTest, ADecoderThatWasTrainedToMakesVectorsAndOneWithAScoreRanks) {
  const DecoderConfig config = maru::resolve({.vocab_size = 12,
                                              .hidden_size = 32,
                                              .intermediate_size = 64,
                                              .num_hidden_layers = 1,
                                              .num_attention_heads = 2,
                                              .num_key_value_heads = 1,
                                              .max_position_embeddings = 64,
                                              .initializer_range = 0.2,
                                              .tie_word_embeddings = true});
  const auto decoder = [&] {
    auto model = std::make_unique<Decoder>(config, Dtype::kF32);
    allocate_values(*model);
    initialise(*model, 3);
    return model;
  };
  SentenceEncoder(text_model(decoder()), Pooling::kLast, 48).save(home_ / "vectors");
  RewardModel scorer(decoder());
  scorer.initialise_score(5);
  scorer.save(home_ / "scores");
  for (const char* name : {"vectors", "scores"}) write_json(home_ / name / "tokenizer.json", infer::word_piece_json());
  server_ = std::make_unique<ApiServer>(config_, context_, [this](serving::ModelHost& host) {
    for (const char* name : {"vectors", "scores"}) host.load({.path = home_ / name, .id = ""}, device_);
  });
  EXPECT_EQ(200, get("/v1/health/ready").status) << "nothing here writes text";
  const Got status = get("/v1/maru/status");
  ASSERT_EQ(200, status.status) << status.body;
  EXPECT_EQ("", status.json["model"]);
  const Got vectors = post("/v1/embeddings", R"({"model":"vectors","input":["how to save","a file"]})");
  ASSERT_EQ(200, vectors.status) << vectors.body;
  double length = 0;
  for (const Json& x : vectors.json["data"][1]["embedding"]) length += x.get<double>() * x.get<double>();
  EXPECT_NEAR(1, length, 1e-5);
  EXPECT_EQ(404,
            post("/v1/chat/completions", R"({"model":"vectors","messages":[{"role":"user","content":"a"}]})").status);
  const Got ranked = post(
      "/v1/ranking", R"({"model":"scores","query":{"text":"how"},"passages":[{"text":"a file"},{"text":"save"}]})");
  ASSERT_EQ(200, ranked.status) << ranked.body;
  ASSERT_EQ(2u, ranked.json["rankings"].size());
  EXPECT_GT(ranked.json["rankings"][0]["logit"], ranked.json["rankings"][1]["logit"]);
}

TEST_F(EncodersTest, OllamasVectorsAreTheSameOfLengthOne) {
  const Json ours = post("/v1/embeddings", R"({"model":"mean","input":"how to save a file"})").json;
  const Json raw = post("/api/embeddings", R"({"model":"mean","prompt":"how to save a file"})").json["embedding"];
  EXPECT_EQ(ours["data"][0]["embedding"], raw);
  const Got got = post("/api/embed", R"({"model":"mean:latest","input":["b","how to save a file"]})");
  ASSERT_EQ(200, got.status) << got.body;
  ASSERT_EQ(2u, got.json["embeddings"].size());
  EXPECT_GT(got.json["prompt_eval_count"], ours["usage"]["total_tokens"]);
  double length = 0, unit = 0;
  for (const Json& x : raw) length += x.get<double>() * x.get<double>();
  for (size_t i = 0; i < raw.size(); ++i) {
    const double x = got.json["embeddings"][1][i];
    unit += x * x;
    EXPECT_NEAR(raw[i].get<double>() / std::sqrt(length), x, 1e-6);
  }
  EXPECT_NEAR(1, unit, 1e-5);
  EXPECT_EQ(0u, post("/api/embed", R"({"model":"mean","input":[]})").json["embeddings"].size());
  const auto refused = [&](const std::string& more) {
    const Got bad = post("/api/embed", R"({"model":"mean",)" + more + "}");
    EXPECT_EQ(400, bad.status) << bad.body;
    return bad.json["error"].get<std::string>();
  };
  std::string longer;
  for (int i = 0; i < 50; ++i) longer += "file ";
  EXPECT_EQ(0u, refused(R"("input":["a",""])").find("input[1]"));
  EXPECT_EQ(0u, refused(R"("truncate":false,"input":")" + longer + "\"").find("input: "));
  EXPECT_EQ(0u, refused(R"("input":"a","dimensions":8)").find("dimensions: "));
}

TEST_F(EncodersTest, PassagesAreRanked) {
  const Got nim = post(
      "/v1/ranking", R"({"model":"rank","query":{"text":"a"},"passages":[{"text":"how"},{"text":"save the file ?"}]})");
  ASSERT_EQ(200, nim.status) << nim.body;
  ASSERT_EQ(2u, nim.json["rankings"].size());
  EXPECT_GE(nim.json["rankings"][0]["logit"], nim.json["rankings"][1]["logit"]);
  const Got jina =
      post("/v1/rerank", R"({"model":"rank","query":"a","documents":["how",{"text":"save the file ?"}],"top_n":1,
                                          "return_documents":true})");
  ASSERT_EQ(1u, jina.json["results"].size()) << jina.body;
  EXPECT_EQ(nim.json["rankings"][0]["index"], jina.json["results"][0]["index"]);
  EXPECT_EQ(jina.json["results"][0]["index"] == 0 ? "how" : "save the file ?",
            jina.json["results"][0]["document"]["text"]);
}

// What is asked of a model counts, whatever is made of it.
TEST_F(EncodersTest, KeysLimitThemToo) {
  config_.keys_file = (home_ / "keys.json").string();
  AtomicFile file(config_.keys_file, 0600);
  file.write(R"({"keys": [{"name": "a", "hash": ")" + sha256_hex("a") +
             R"(", "models": ["mean"], "tokens_per_minute": 10}]})");
  file.commit();
  serve();
  const std::string key = "Authorization: Bearer a\r\n", body = R"({"model":"mean","input":"how to save a file"})";
  EXPECT_EQ(1u, get("/v1/models", key).json["data"].size());
  for (const char* path : {"/v1/ranking", "/v1/rerank"}) {
    const Got got = post(path, R"({"model":"rank","query":{"text":"a"},"passages":[{"text":"b"}]})", key);
    EXPECT_TRUE(got.status == 404 || got.status == 400) << got.body;
  }
  const Got hidden = post("/v1/embeddings", R"({"model":"rank","input":"a"})", key);
  EXPECT_EQ(404, hidden.status);
  EXPECT_EQ("model_not_found", hidden.json["error"]["code"]);
  EXPECT_EQ(200, post("/v1/embeddings", body, key).status);
  const Got refused = post("/v1/embeddings", body, key);
  EXPECT_EQ(429, refused.status);
  EXPECT_NE(std::string::npos, refused.head.find("x-ratelimit-remaining-tokens: ")) << refused.head;
}

TEST_F(EncodersTest, WhatCannotBeDoneIsRefusedByName) {
  const auto param = [&](const char* path, const char* body) {
    const Got got = post(path, body);
    EXPECT_GE(got.status, 400) << body;
    return got.json["error"]["param"];
  };
  EXPECT_EQ("model", param("/v1/embeddings", R"({"model":"tiny","input":"a"})"));
  EXPECT_EQ("model", param("/v1/rerank", R"({"model":"mean","query":"a","documents":["b"]})"));
  EXPECT_EQ("input", param("/v1/embeddings", R"({"model":"mean","input":[]})"));
  EXPECT_EQ("input[1]", param("/v1/embeddings", R"({"model":"mean","input":["a",""]})"));
  EXPECT_EQ("dimensions", param("/v1/embeddings", R"({"model":"mean","input":"a","dimensions":8})"));
  std::string longer;
  for (int i = 0; i < 50; ++i) longer += "file ";
  EXPECT_EQ("input", param("/v1/embeddings", (R"({"model":"mean","input":")" + longer + R"("})").c_str()));
  EXPECT_EQ(200, post("/v1/embeddings", R"({"model":"mean","truncate":"END","input":")" + longer + R"("})").status);
}

TEST_F(EncodersTest, FieldsAreThoseOfTheTable) {
  const auto embed = [&](const std::string& more) {
    return post("/v1/embeddings", R"({"model":"mean","input":"a")" + more + "}");
  };
  EXPECT_EQ(200, embed(R"(,"user":"u","modality":["text"],"embedding_type":"float","priority":3)").status);
  EXPECT_EQ("embedding_type", embed(R"(,"embedding_type":"int8")").json["error"]["param"]);
  EXPECT_EQ("unknown_parameter", embed(R"(,"inputs":"b")").json["error"]["code"]);
  const std::string rerank = R"({"model":"rank","query":"a","documents":["b"])";
  EXPECT_EQ(200, post("/v1/rerank", rerank + R"(,"user":"u"})").status);
  EXPECT_EQ("rank_fields", post("/v1/rerank", rerank + R"(,"rank_fields":["x"]})").json["error"]["param"]);
  server_.reset();
  config_.unknown_fields = "ignore";
  serve();
  const Got ignored = embed(R"(,"inputs":"b")");
  EXPECT_EQ(200, ignored.status) << ignored.body;
  EXPECT_NE(std::string::npos, ignored.head.find("X-Maru-Warning: inputs: not known")) << ignored.head;
}

}  // namespace
}  // namespace maru::api
