// Runs of method=embed: what they make, resuming and threads, what is refused.
#include <gmock/gmock.h>

#include "models/model_files.h"
#include "models/quantize.h"
#include "models/quantized_files.h"
#include "models/sentence_encoder.h"
#include "train/test_run.h"
#include "train/test_texts.h"

namespace maru::train {
namespace {

using testing::HasSubstr;

class EmbedRunTest : public RunTest {
 protected:
  void SetUp() override {
    write_test_texts(texts(), 200, 5);
    TrainConfig base = config();
    base.name = "base", base.steps = 4;
    run("base", base);
  }
  fs::path texts(const std::string& name = "texts") const { return tokens_.root() / name; }
  TrainConfig embed(int64_t steps = 30) const {
    TrainConfig c = config();
    c.method = "embed", c.tokens = texts().string(), c.init_from = model_of("base").string();
    c.dtype = "f32", c.steps = steps, c.optimizer.lr = 3e-3, c.micro_batch_tokens = 512;
    c.validation = {.every_steps = 10, .tokens = 4000};
    c.checkpoint = {.every_steps = 4, .every_minutes = 0, .keep = 2};
    return resolve(c, TestTokens::kVocabulary);
  }
  double figure(const std::string& name, const std::string& key, bool last = true) const {
    std::istringstream rows(read_file(run_of(name) / "metrics.jsonl"));
    double found = -1;
    for (std::string line; std::getline(rows, line);) {
      const Json row = parse_json(line, "metrics").value();
      if (row.contains(key) && (last || found < 0)) found = row[key].get<double>();
    }
    return found;
  }
};

TEST_F(EmbedRunTest, LearnsWhichTextsAreCloseAndWritesASentenceEncoder) {
  const RunSummary done = run("e", embed());
  EXPECT_EQ("accuracy", done.measure.name);
  EXPECT_GT(figure("e", "validation_accuracy"), figure("e", "validation_accuracy", false) + 0.1) << "than before";
  EXPECT_GT(figure("e", "validation_mrr"), figure("e", "validation_accuracy")) << "the tenth counts, too";
  SentenceEncoder stored = SentenceEncoder::load(model_of("e"));
  EXPECT_EQ(Pooling::kMean, stored.pooling);
  EXPECT_TRUE(stored.normalize);
  EXPECT_EQ(32, stored.max_tokens()) << "what it was trained with";
  EXPECT_FALSE(fs::exists(model_of("e") / "generation_config.json"));
  EXPECT_FALSE(ledger::read_manifest(model_of("e")).notes["chat"].get<bool>());
  TrainConfig last = embed(2);
  last.embed->pooling = "lasttoken";
  run("last", last);
  EXPECT_EQ(Pooling::kLast, stored_pooling(model_of("last")));
  TrainConfig again = embed(2);
  again.init_from = model_of("last").string();
  run("again", again);
  EXPECT_EQ(Pooling::kLast, stored_pooling(model_of("again"))) << "as the model has it";
}

TEST_F(EmbedRunTest, ScoresAreJudgedByRanks) {
  write_test_texts(texts("scored"), 200, 6, true);
  TrainConfig c = embed();
  c.tokens = texts("scored").string();
  const RunSummary done = run("s", c);
  EXPECT_EQ("spearman", done.measure.name);
  EXPECT_GT(figure("s", "validation_spearman"), figure("s", "validation_spearman", false) + 0.1);
  c.embed->symmetric = true;
  EXPECT_THAT(error_of("t", c), HasSubstr("embed.symmetric: is of queries with documents"));
}

TEST_F(EmbedRunTest, EndsWithTheSameBitsOnAnyNumberOfThreadsAndWhenItIsKilled) {
  const TrainConfig c = embed(16);
  run("one", c, 1);
  run("three", c, 3);
  EXPECT_EQ(weights("one"), weights("three"));
  EXPECT_EQ(figures("one"), figures("three"));
  for (int ms = 5; !run_and_kill("killed", ms, c); ms += 15) {
  }
  EXPECT_EQ(weights("one"), weights("killed"));
  EXPECT_EQ(figures("one"), figures("killed"));
}

TEST_F(EmbedRunTest, WhatIsLearntBesideAModelBecomesPartOfIt) {
  for (const bool quantized : {false, true}) {
    const std::string name = quantized ? "q" : "l";
    TrainConfig c = embed();
    c.lora = LoraConfig{.rank = 4};
    c.optimizer.lr = 2e-2;
    if (quantized) {
      fs::copy(model_of("base"), model_of("int8"), fs::copy_options::recursive);
      ThreadPool pool{2};
      CpuDevice device{&pool};
      const auto model = load_model(model_of("base"), Dtype::kF32);
      quantize_weights(device, *model, QuantizedKind::kInt8);
      save_weights(*model, model_of("int8") / "model.safetensors");
      Json config = read_json(model_of("int8") / "config.json");
      config["quantization_config"] = quantization_json(QuantizedKind::kInt8, QuantizedKind::kInt8, "none");
      write_json(model_of("int8") / "config.json", config);
      c.init_from = model_of("int8").string();
    }
    EXPECT_FALSE(makes_adapter(c));
    run(name, resolve(c, TestTokens::kVocabulary));
    EXPECT_GT(figure(name, "validation_accuracy"), figure(name, "validation_accuracy", false)) << name;
    EXPECT_EQ("model", ledger::read_manifest(model_of(name)).kind);
    EXPECT_TRUE(is_sentence_encoder(model_of(name)));
    EXPECT_FALSE(fs::exists(model_of(name) / "adapter_config.json"));
    EXPECT_NE(read_file(model_of("base") / "model.safetensors"), weights(name));
    EXPECT_FALSE(read_json(model_of(name) / "config.json").contains("quantization_config"));
  }
}

TEST_F(EmbedRunTest, RefusesByName) {
  TrainConfig c = embed();
  c.tokens = tokens_.directory().string();
  EXPECT_THAT(error_of("x", c), HasSubstr("method=embed learns from pairs of texts (maru data pack --pairs)"));
  c = config();
  c.tokens = texts().string();
  EXPECT_THAT(error_of("x", c), HasSubstr("holds pairs of texts, which are learnt from with method=embed"));
  const auto resolved = [&](const auto& change) -> std::string {
    TrainConfig asked = embed();
    change(asked);
    try {
      resolve(asked, TestTokens::kVocabulary);
      return "none";
    } catch (const Failure& e) {
      return e.what();
    }
  };
  EXPECT_THAT(resolved([](TrainConfig& a) { a.embed->pooling = "cls"; }), HasSubstr("expected mean or lasttoken"));
  EXPECT_THAT(resolved([](TrainConfig& a) { a.micro_batch_tokens = a.batch_tokens = 64; }),
              HasSubstr("micro_batch_tokens 64 is less than four texts, 4 x sequence_length 32"));
  EXPECT_THAT(resolved([](TrainConfig& a) { a.init_from = ""; }), HasSubstr("init_from is missing"));
  EXPECT_THAT(resolved([](TrainConfig& a) { a.method = "dpo"; }),
              HasSubstr("embed: is of method embed, method is dpo"));
}

class EmbedEncoderRunTest : public EmbedRunTest {
 protected:
  TrainConfig of_encoder(int64_t steps) {
    if (!fs::exists(model_of("bert"))) write_test_bert(model_of("bert"));
    TrainConfig c = embed(steps);
    c.init_from = model_of("bert").string(), c.encoder = test_bert(model_of("bert"));
    return resolve(c, TestTokens::kVocabulary);
  }
};

TEST_F(EmbedEncoderRunTest, AnEncoderLearnsWithTheSameBits) {
  const TrainConfig c = of_encoder(24);
  run("one", c, 1);
  EXPECT_GT(figure("one", "validation_accuracy"), figure("one", "validation_accuracy", false) + 0.1) << "than before";
  EXPECT_EQ("BertModel", read_json(model_of("one") / "config.json")["architectures"][0]);
  EXPECT_EQ("float32", read_json(model_of("one") / "config.json")["torch_dtype"]);
  EXPECT_EQ(32, SentenceEncoder::load(model_of("one")).max_tokens());
  run("three", c, 3);
  EXPECT_EQ(weights("one"), weights("three"));
  for (int ms = 5; !run_and_kill("killed", ms, c); ms += 25) {
  }
  EXPECT_EQ(weights("one"), weights("killed"));
  EXPECT_EQ(figures("one"), figures("killed"));
}

TEST_F(EmbedEncoderRunTest, AnEncoderLearnsToRank) {
  TrainConfig c = of_encoder(60);
  c.method = "rank", c.embed.reset();
  c = resolve(c, TestTokens::kVocabulary);
  run("one", c, 1);
  EXPECT_GT(figure("one", "validation_accuracy"), figure("one", "validation_accuracy", false) + 0.1) << "than before";
  const Json config = read_json(model_of("one") / "config.json");
  EXPECT_EQ("BertForSequenceClassification", config["architectures"][0]);
  EXPECT_EQ(1u, config["id2label"].size());
  SentenceEncoder stored = SentenceEncoder::load(model_of("one"));
  EXPECT_EQ(1, stored.num_labels());
  EXPECT_TRUE(stored.has_sigmoid());
  run("three", c, 3);
  EXPECT_EQ(weights("one"), weights("three"));
  for (int ms = 5; !run_and_kill("killed", ms, c); ms += 25) {
  }
  EXPECT_EQ(weights("one"), weights("killed"));
  EXPECT_EQ(figures("one"), figures("killed"));
  // What has learnt goes on with the score that it has.
  TrainConfig again = c;
  again.init_from = model_of("one").string(), again.encoder = test_bert(model_of("one")), again.steps = 1;
  run("again", resolve(again, TestTokens::kVocabulary));
  EXPECT_EQ(figure("one", "validation_accuracy"), figure("again", "validation_accuracy", false));
}

TEST_F(EmbedEncoderRunTest, WhatIsLearntBesideAnEncoderBecomesPartOfIt) {
  for (const char* method : {"embed", "rank"}) {
    const std::string name = std::string(method) + "-lora";
    TrainConfig c = of_encoder(40);
    c.lora = LoraConfig{.rank = 4};
    c.optimizer.lr = 2e-2;
    if (method == std::string("rank")) c.method = "rank", c.embed.reset();
    c = resolve(c, TestTokens::kVocabulary);
    run(name, c, 1);
    EXPECT_GT(figure(name, "validation_accuracy"), figure(name, "validation_accuracy", false) + 0.05) << name;
    EXPECT_EQ("model", ledger::read_manifest(model_of(name)).kind);
    EXPECT_FALSE(fs::exists(model_of(name) / "adapter_config.json"));
    run(name + "3", c, 3);
    EXPECT_EQ(weights(name), weights(name + "3"));
    for (int ms = 5; !run_and_kill(name + "-killed", ms, c); ms += 25) {
    }
    EXPECT_EQ(weights(name), weights(name + "-killed"));
    // What is stored is as good as what was trained.
    TrainConfig again = c;
    again.init_from = model_of(name).string(), again.encoder = test_bert(model_of(name)), again.lora.reset();
    again.steps = 1;
    run(name + "-again", resolve(again, TestTokens::kVocabulary));
    EXPECT_NEAR(figure(name, "validation_accuracy"), figure(name + "-again", "validation_accuracy", false), 0.02);
    // The token table of before: adapters are of the blocks.
    const auto table = [&](const std::string& of) { return load_encoder(model_of(of))->parameters()[0]->value; };
    const Tensor before = table("bert"), after = table(name);
    EXPECT_TRUE(std::equal(before.data<float>(), before.data<float>() + before.size(), after.data<float>()));
  }
}

TEST_F(EmbedEncoderRunTest, RefusesByName) {
  const TrainConfig base = of_encoder(2);
  const auto resolved = [&](const auto& change) -> std::string {
    TrainConfig asked = base;
    change(asked);
    try {
      resolve(asked, TestTokens::kVocabulary);
      return "none";
    } catch (const Failure& e) {
      return e.what();
    }
  };
  EXPECT_THAT(resolved([](TrainConfig& a) { a.lora = LoraConfig{.modules_to_save = {"embed_tokens"}}; }),
              HasSubstr("lora.modules_to_save: is not there for encoders"));
  EXPECT_THAT(resolved([](TrainConfig& a) { a.recompute = true; }), HasSubstr("recompute: is not there for encoders"));
  EXPECT_THAT(resolved([](TrainConfig& a) { a.encoder->num_labels = 1; }), HasSubstr("scores texts"));
  EXPECT_THAT(resolved([](TrainConfig& a) { a.encoder->num_labels = 3, a.method = "rank", a.embed.reset(); }),
              HasSubstr("gives 3 scores to a text, a reranker gives one"));
  EXPECT_THAT(resolved([](TrainConfig& a) { a.encoder->max_position_embeddings = 8; }),
              HasSubstr("sequence_length 32 is more than the 8 tokens"));
  EXPECT_THAT(resolved([](TrainConfig& a) { a.method = "", a.embed.reset(); }),
              HasSubstr("only method=embed and method=rank"));
  EXPECT_EQ("none", resolved([](TrainConfig& a) { a.embed->pooling = "cls"; }));
  write_test_texts(texts("typed"), 20, 6, false, {{"pair_frame", {{"types", Json::array({0, 7})}}}});
  TrainConfig c = base;
  c.method = "rank", c.embed.reset(), c.tokens = texts("typed").string();
  EXPECT_THAT(error_of("typed", resolve(c, TestTokens::kVocabulary)),
              HasSubstr("gives tokens the type 7, the model in " + model_of("bert").string() + " has 2"));
}

TEST_F(EmbedRunTest, ARerankerLearnsFromThem) {
  const auto rank = [&](int64_t steps) {
    TrainConfig c = embed(steps);
    c.method = "rank", c.embed.reset();
    return resolve(c, TestTokens::kVocabulary);
  };
  const RunSummary done = run("r", rank(80), 1);
  EXPECT_EQ("accuracy", done.measure.name);
  EXPECT_GT(figure("r", "validation_accuracy"), figure("r", "validation_accuracy", false) + 0.1) << "than before";
  EXPECT_THAT(warnings_, HasSubstr("examples left out: they have no negative document"));
  EXPECT_EQ(1, SentenceEncoder::load(model_of("r")).num_labels());
  run("three", rank(80), 3);
  EXPECT_EQ(weights("r"), weights("three"));

  TrainConfig c = rank(80);
  c.lora = LoraConfig{.rank = 4}, c.optimizer.lr = 2e-2;
  EXPECT_FALSE(makes_adapter(c));
  run("l", resolve(c, TestTokens::kVocabulary));
  EXPECT_GT(figure("l", "validation_accuracy"), figure("l", "validation_accuracy", false) + 0.1);
  EXPECT_EQ(1, SentenceEncoder::load(model_of("l")).num_labels()) << "a model, not an adapter";
  c.lora->modules_to_save = {"lm_head"};
  EXPECT_THROW(resolve(c, TestTokens::kVocabulary), Failure);
  write_test_texts(texts("scored"), 20, 6, true);
  c = rank(2);
  c.tokens = texts("scored").string();
  EXPECT_THAT(error_of("x", c), HasSubstr("holds texts with scores"));
  c = rank(2);
  write_test_texts(texts("joined"), 20, 6, false,
                   {{"pair_frame",
                     {{"pieces", Json::array({{0}, Json::array(), {1}})},
                      {"piece_types", Json::array({{0}, Json::array(), {1}})}}}});
  c.tokens = texts("joined").string();
  EXPECT_THAT(error_of("y", c), HasSubstr("puts nothing between two texts"));
}

}  // namespace
}  // namespace maru::train
