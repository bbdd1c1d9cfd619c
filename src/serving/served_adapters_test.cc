// Adapters and models that come and go while a host answers, with real weights on disk.
#include <gmock/gmock.h>
#include <unistd.h>

#include <thread>

#include "base/request_failure.h"
#include "infer/generate.h"
#include "serving/model_host.h"
#include "serving/test_models.h"
#include "tensor/cpu_device.h"

namespace maru::serving {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ServedAdapters : public testing::Test {
 protected:
  const fs::path root_ = fs::temp_directory_path() / ("maru_served_adapters_" + std::to_string(::getpid()));
  ThreadPool pool_{2};
  CpuDevice device_{&pool_};
  std::vector<std::string> warnings_;
  HostOptions options_{
      .max_running = 4, .cache_bytes = 1 << 20, .warn = [this](const std::string& w) { warnings_.push_back(w); }};

  void SetUp() override {
    for (const auto& [name, seed] : {std::pair{"a", 1}, {"b", 2}, {"c", 3}}) write_test_model(root_ / name, seed);
    for (const auto& [name, seed] : {std::pair{"law", 4}, {"med", 5}}) write_served_adapter(root_ / name, seed);
  }
  void TearDown() override { fs::remove_all(root_); }

  ModelSource model(const std::string& name, const std::string& id = "") const { return {root_ / name, id}; }
  AdapterSource adapter(const std::string& name, const std::string& of = "", const std::string& id = "") const {
    return {root_ / name, id, of};
  }
  static infer::GenerationRequest request(const ServedModel& model, std::string_view prompt = "hello") {
    infer::GenerationRequest request{.prompt = model.tokenizer().encode(prompt), .max_tokens = 24, .ignore_eos = true};
    request.seed = 7;
    request.adapter = model.adapter();
    return request;
  }
  static std::string say(const ModelHost& host, const std::string& id) {
    const auto model = host.get(id);
    return infer::generate(model->engine(), request(*model)).text;
  }
  static std::vector<std::string> names(const ModelHost& host) {
    std::vector<std::string> ids;
    for (const ServedName& name : host.names()) ids.push_back(name.id);
    return ids;
  }
  static std::string why(const std::function<void()>& f) {
    try {
      f();
    } catch (const Failure& failure) {
      return failure.what();
    }
    return "nothing";
  }
};

TEST_F(ServedAdapters, AnswerUnderTheirOwnNamesBesideTheModel) {
  ModelHost host(options_);
  host.load(model("a"), device_);
  const std::string plain = say(host, "a");
  host.load_adapter(adapter("law"), device_);
  host.load_adapter(adapter("med", "a", "doctor"), device_);
  EXPECT_THAT(names(host), ElementsAre("a", "law", "doctor"));
  EXPECT_EQ("a", host.names()[1].parent);
  EXPECT_EQ("law", host.names()[1].facts.adapter);
  EXPECT_EQ(256, host.names()[1].max_context);
  EXPECT_EQ(1u, host.list().size()) << "they share their model's engine";
  const std::string law = say(host, "law"), doctor = say(host, "doctor");
  EXPECT_NE(plain, law);
  EXPECT_NE(law, doctor);
  EXPECT_EQ(plain, say(host, "a"));
  EXPECT_EQ(law, say(host, "law"));
  EXPECT_GT(host.find("law")->bytes(), 1000);
}

TEST_F(ServedAdapters, BelongToTheModelThatTheyName) {
  write_served_adapter(root_ / "of_b", 6, "models/b/");
  write_served_adapter(root_ / "of_z", 6, "z");
  ModelHost host(options_);
  host.load(model("a"), device_);
  host.load(model("b"), device_);
  host.load_adapter(adapter("of_b"), device_);
  host.load_adapter(adapter("of_z"), device_);
  EXPECT_EQ("b", host.find("of_b")->parent());
  EXPECT_EQ("a", host.find("of_z")->parent()) << "else the first";
  EXPECT_THAT(why([&] { host.load_adapter(adapter("law", "z"), device_); }), HasSubstr("no model \"z\""));
  EXPECT_THAT(why([&] { host.load_adapter(adapter("law", "of_b"), device_); }), HasSubstr("no model \"of_b\""));
}

TEST_F(ServedAdapters, AreListedExactlyWhileTheyAnswer) {
  write_served_adapter(root_ / "wide", 6, "", "",
                       resolve({.vocab_size = 261,
                                .hidden_size = 64,
                                .intermediate_size = 64,
                                .num_hidden_layers = 2,
                                .num_attention_heads = 4,
                                .num_key_value_heads = 2,
                                .max_position_embeddings = 256}));
  ModelHost host(options_);
  host.load(model("a"), device_);
  EXPECT_THAT(why([&] { host.load_adapter(adapter("wide"), device_); }), HasSubstr("made for"));
  EXPECT_THAT(why([&] { host.load_adapter(adapter("nowhere"), device_); }), HasSubstr("adapter_config.json"));
  host.load_adapter(adapter("law"), device_);
  EXPECT_THAT(why([&] { host.load_adapter(adapter("med", "", "law"), device_); }), HasSubstr("two models are called"));
  EXPECT_THAT(why([&] { host.load_adapter(adapter("med", "", "a"), device_); }), HasSubstr("two models are called"));
  EXPECT_THAT(why([&] { host.load_adapter(adapter("med", "", "a"), device_, true); }), HasSubstr("two models"));
  EXPECT_THAT(names(host), ElementsAre("a", "law"));
  host.unload("law");
  EXPECT_THAT(names(host), ElementsAre("a"));
  EXPECT_THAT(why([&] { host.get("law"); }), HasSubstr("does not exist"));
  EXPECT_THAT(why([&] { host.unload("law"); }), HasSubstr("does not exist"));
  EXPECT_THAT(why([&] { host.unload("a"); }), HasSubstr("the last model"));
}

TEST_F(ServedAdapters, RequestsUnderWayEndWithTheAdapterThatTheyBeganWith) {
  ModelHost host(options_);
  host.load(model("a"), device_);
  host.load_adapter(adapter("law"), device_);
  const std::string law = say(host, "law"), med = [&] {
    host.load_adapter(adapter("med", "", "x"), device_);
    return say(host, "x");
  }();
  host.unload("x");
  std::vector<std::unique_ptr<infer::Generation>> running;
  for (int i = 0; i < 4; ++i) {
    const auto model = host.get("law");
    running.push_back(model->engine().submit(request(*model)));
  }
  host.load_adapter(adapter("med", "", "law"), device_, true);
  EXPECT_EQ(med, say(host, "law"));
  host.unload("law");
  for (const auto& generation : running) {
    std::string text;
    infer::Piece piece;
    while (generation->wait_next(piece) == infer::Generation::Next::kPiece) text += piece.text;
    EXPECT_EQ(law, text);
  }
}

TEST_F(ServedAdapters, ManyAreLoadedWhileTheModelAnswers) {
  ModelHost host(options_);
  host.load(model("a"), device_);
  host.open();
  // One that changes the head gives the tied head a parameter of its own: not while a step reads it.
  write_served_adapter(root_ / "head", 9, "", "lm_head");
  const std::string plain = say(host, "a");
  std::atomic<bool> stop{false};
  std::thread others([&] {
    while (!stop) EXPECT_EQ(plain, say(host, "a"));
  });
  for (int i = 0; i < 20; ++i)
    host.load_adapter(adapter(i == 10 ? "head" : i % 2 == 0 ? "law" : "med", "", "x" + std::to_string(i)), device_);
  stop = true;
  others.join();
  EXPECT_EQ(21u, host.names().size());
  EXPECT_EQ(say(host, "x0"), say(host, "x18"));
}

TEST_F(ServedAdapters, OfferedModelsAreLoadedWhenSomebodyAsks) {
  ModelHost host(options_);
  host.load(model("a"), device_);
  host.offer(model("b", "bee"), device_);
  EXPECT_THAT(names(host), ElementsAre("a", "bee"));
  EXPECT_EQ(false, host.names()[1].loaded);
  EXPECT_FALSE(host.names()[0].loaded.has_value()) << "it stays";
  EXPECT_EQ(256, host.names()[1].max_context);
  EXPECT_EQ(host.names()[0].facts.parameters, host.names()[1].facts.parameters);
  EXPECT_EQ(nullptr, host.find("bee"));
  std::vector<std::thread> askers;
  std::vector<std::string> said(6);
  for (size_t i = 0; i < said.size(); ++i) askers.emplace_back([&, i] { said[i] = say(host, "bee"); });
  for (std::thread& asker : askers) asker.join();
  for (const std::string& text : said) EXPECT_EQ(said[0], text);
  EXPECT_EQ(true, host.names()[1].loaded);
  EXPECT_THAT(why([&] { host.load_adapter(adapter("law", "bee"), device_); }), HasSubstr("that stays in memory"));
  EXPECT_THAT(why([&] { host.offer(model("c", "a"), device_); }), HasSubstr("two models are called"));
}

TEST_F(ServedAdapters, WhoIsAskedForLeastRecentlyMakesRoom) {
  ModelHost measure(options_);
  measure.load(model("a"), device_);
  const int64_t one = measure.find("a")->bytes();
  options_.memory_bytes = one * 5 / 2;
  ModelHost host(options_);
  host.load(model("a"), device_);
  host.offer(model("b"), device_);
  host.offer(model("c"), device_);
  const std::string b = say(host, "b");
  EXPECT_NE(nullptr, host.find("b"));
  say(host, "c");
  EXPECT_EQ(nullptr, host.find("b"));
  EXPECT_NE(nullptr, host.find("c"));
  EXPECT_EQ(b, say(host, "b")) << "back again";
  const auto totals = host.stats_by_model();
  EXPECT_EQ("b", totals[1].first);
  EXPECT_NEAR(48, totals[1].second.generated_tokens, 2) << "of both its engines, as they last told";
  {
    const auto held = host.get("b");  // somebody reads its answer
    EXPECT_THAT(why([&] { say(host, "c"); }), HasSubstr("no room in memory while others answer"));
    EXPECT_NE(nullptr, host.find("b"));
  }
  say(host, "c");
}

TEST_F(ServedAdapters, WhatWasUnloadedHoldsNothingAndIsStillCounted) {
  ModelHost host(options_);
  host.load(model("a"), device_);
  host.load(model("b", "twin"), device_);
  {
    const auto twin = host.get("twin");  // whose engine is busy when it goes
    infer::GenerationRequest endless = request(*twin);
    endless.max_tokens = 200;
    const auto answer = twin->engine().submit(std::move(endless));
    infer::Piece piece;
    while (twin->engine().stats().generated_tokens < 24) (void)answer->wait_next(piece);
    host.unload("twin");
  }
  auto stats = host.stats_by_model();
  ASSERT_EQ(2U, stats.size());
  EXPECT_EQ("twin", stats[1].first) << "its gauges are set to nothing, and not left as they were";
  EXPECT_EQ(0, stats[1].second.running + stats[1].second.pages + stats[1].second.pages_used);
  const int64_t before = stats[1].second.generated_tokens;
  EXPECT_LE(24, before);
  host.load(model("c", "twin"), device_);
  say(host, "twin");
  stats = host.stats_by_model();
  ASSERT_EQ(2U, stats.size());
  EXPECT_NEAR(static_cast<double>(before) + 24, static_cast<double>(stats[1].second.generated_tokens), 1)
      << "a counter does not go back";
}

TEST_F(ServedAdapters, AskingKeepsAModelInMemory) {
  ModelHost measure(options_);
  measure.load(model("a"), device_);
  options_.memory_bytes = measure.find("a")->bytes() * 7 / 2;
  ModelHost host(options_);
  host.load(model("a"), device_);
  host.offer(model("b"), device_);
  host.offer(model("c"), device_);
  host.offer(model("a", "d"), device_);
  for (const char* id : {"b", "c", "b", "d"}) say(host, id);
  EXPECT_NE(nullptr, host.find("b"));
  EXPECT_EQ(nullptr, host.find("c")) << "the one that nobody has asked for the longest";
}

TEST_F(ServedAdapters, WhoIsNotAskedForAWhileIsUnloaded) {
  options_.unload_idle_seconds = 0.3;
  ModelHost host(options_);
  host.load(model("a"), device_);
  host.offer(model("b"), device_);
  auto held = host.get("b");
  std::this_thread::sleep_for(std::chrono::milliseconds(900));
  EXPECT_NE(nullptr, host.find("b")) << "somebody holds it";
  held.reset();
  for (int i = 0; i < 200 && host.find("b") != nullptr; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(nullptr, host.find("b"));
  EXPECT_NE(nullptr, host.find("a")) << "it stays";
}

TEST_F(ServedAdapters, AnOfferThatCannotBeLoadedSaysSoToTheOperatorOnly) {
  ModelHost host(options_);
  host.load(model("a"), device_);
  host.offer(model("b"), device_);
  fs::resize_file(root_ / "b" / "model.safetensors", 100);
  const std::string told = why([&] { host.get("b"); });
  EXPECT_THAT(told, HasSubstr("could not be loaded; the server's log says why"));
  EXPECT_EQ(std::string::npos, told.find(root_.string()));
  ASSERT_EQ(1u, warnings_.size());
  EXPECT_THAT(warnings_[0], HasSubstr("model.safetensors"));
  write_test_model(root_ / "b", 2);
  EXPECT_EQ(24u, infer::generate(host.get("b")->engine(), request(*host.get("b"))).num_tokens);
}

TEST_F(ServedAdapters, ADraftModelChangesNoAnswer) {
  ModelHost plain(options_);
  plain.load(model("a"), device_);
  plain.load_adapter(adapter("law"), device_);
  options_.draft_tokens = 4;
  ModelHost host(options_);
  host.load({root_ / "a", "a", root_ / "a"}, device_);
  host.load_adapter(adapter("law"), device_);
  EXPECT_EQ(say(plain, "a"), say(host, "a"));
  EXPECT_EQ(say(plain, "law"), say(host, "law"));
  EXPECT_GT(host.stats().drafted_tokens, 0);
  EXPECT_GT(host.find("a")->bytes(), plain.find("a")->bytes());
  text::TokenizerSpec spec = infer::byte_tokenizer().spec();
  std::swap(spec.vocabulary[40].second, spec.vocabulary[41].second);
  write_file(root_ / "b" / "tokenizer.json", text::write_tokenizer_json(spec));
  EXPECT_THAT(why([&] {
                host.load({root_ / "a", "x", root_ / "b"}, device_);
              }),
              HasSubstr("b cannot guess for a: token "));
}

TEST_F(ServedAdapters, AModelIsReplacedUnderItsRequests) {
  ModelHost host(options_);
  host.load(model("a", "m"), device_);
  host.load_adapter(adapter("law"), device_);
  const std::string before = say(host, "m"), law_before = say(host, "law");
  const auto old = host.get("m");
  auto running = old->engine().submit(request(*old));
  host.load(model("b", "m"), device_, true);
  EXPECT_THAT(names(host), ElementsAre("m", "law"));
  EXPECT_NE(before, say(host, "m"));
  EXPECT_NE(law_before, say(host, "law")) << "it stands beside the new weights";
  std::string text;
  infer::Piece piece;
  while (running->wait_next(piece) == infer::Generation::Next::kPiece) text += piece.text;
  EXPECT_EQ(before, text);
  EXPECT_THAT(why([&] { host.load(model("c", "law"), device_, true); }), HasSubstr("not a model that stays"));
  EXPECT_THAT(why([&] { host.load(model("c", "m"), device_); }), HasSubstr("two models are called"));
}

TEST_F(ServedAdapters, AnAdapterThatDoesNotFitTheNewWeightsGoes) {
  write_test_model(root_ / "wide", 1,
                   resolve({.vocab_size = 261,
                            .hidden_size = 64,
                            .intermediate_size = 64,
                            .num_hidden_layers = 2,
                            .num_attention_heads = 4,
                            .num_key_value_heads = 2,
                            .max_position_embeddings = 256,
                            .initializer_range = 0.3}));
  ModelHost host(options_);
  host.load(model("a", "m"), device_);
  host.load_adapter(adapter("law"), device_);
  host.load(model("wide", "m"), device_, true);
  EXPECT_THAT(names(host), ElementsAre("m"));
  ASSERT_EQ(1u, warnings_.size());
  EXPECT_THAT(warnings_[0], HasSubstr("\"law\" is not served any more"));
}

}  // namespace
}  // namespace maru::serving
