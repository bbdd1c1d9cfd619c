#include "pipeline/tune.h"

#include <gmock/gmock.h>

#include "base/json.h"
#include "base/test_watch.h"
#include "catalogue/test_home.h"
#include "ledger/artefact_writer.h"
#include "models/encoder_files.h"
#include "models/model_files.h"
#include "models/quantize.h"
#include "models/reward_model.h"
#include "models/sentence_encoder.h"
#include "models/weights.h"
#include "pipeline/comparison.h"
#include "pipeline/local_model.h"
#include "pipeline/measured_text.h"
#include "pipeline/merge.h"
#include "pipeline/tokenize.h"
#include "text/tokenizer/files/load_tokenizer.h"

namespace maru::pipeline {
namespace {

using catalogue::error_of;
using testing::EndsWith;
using testing::HasSubstr;

class TuneTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(root_ / "texts");
    for (const char* name : {"en.txt", "de.txt", "ko.txt"})
      fs::copy_file(fs::path("tests/texts") / name, root_ / "texts" / name);
    data::BuildConfig data;
    data.inputs = {{.path = (root_ / "texts").string()}};
    data.quality.min_characters = 10;
    data.split.held_out = 0.4;
    curate(at_, "s", data);
    TokenizeConfig tokenizer{.name = "s", .inputs = {"s"}};
    tokenizer.trainer.vocab_size = 300;
    tokenize(at_, tokenizer);
    pack(at_, "s", "s");
    train::TrainConfig c{.name = "s", .tokens = "s/tokens-s", .tokenizer = "s"};
    c.model = {.hidden_size = 32,
               .intermediate_size = 32,
               .num_hidden_layers = 1,
               .num_attention_heads = 2,
               .num_key_value_heads = 1,
               .max_position_embeddings = 256};
    c.sequence_length = 32, c.batch_tokens = c.micro_batch_tokens = 64, c.steps = 2;
    train(at_, c);
    std::string chats, pairs;
    for (int i = 0; i < 40; ++i) {
      chats += Json{{"prompt", "q" + std::to_string(i)}, {"completion", "yes " + std::to_string(i)}}.dump() + "\n";
      pairs += Json{{"prompt", "q" + std::to_string(i)}, {"chosen", "yes"}, {"rejected", "no"}}.dump() + "\n";
    }
    write_file(root_ / "chats.jsonl", chats);
    write_file(root_ / "pairs.jsonl", pairs);
  }
  std::string file(const char* name) const { return (root_ / name).string(); }
  TuneConfig config(const std::string& data, const std::string& method = "") const {
    TuneConfig c;
    c.model = "s", c.data = {data}, c.method = method, c.held_out = 0.3;
    return c;
  }

  fs::path place_of(const std::string& model) const { return home_.home.place(Kind::kModel, model); }
  MeasuredText held_out_of(const std::string& adapter) const {
    const fs::path of = home_.home.place(Kind::kAdapter, adapter);
    return measured_text(at_, {.of = of}, text::load_tokenizer(place_of("s")), 256);
  }

  const catalogue::TestHome home_{"pipeline_tune"};
  const fs::path& root_ = home_.root;
  Machine machine_{2};
  const Workplace at_{home_.home, machine_, {}};
};

TEST_F(TuneTest, FillsInWhatIsLeftOpen) {
  const TunePlan plan = plan_tuning(at_, config(file("chats.jsonl")), {});
  EXPECT_EQ("sft", plan.method);
  EXPECT_EQ("s-sft", plan.recipe.name);
  EXPECT_EQ("", plan.recipe.method);
  EXPECT_THAT(plan.recipe.tokens, EndsWith("datasets/s-sft/tokens-s"));
  EXPECT_THAT(plan.recipe.tokenizer, EndsWith("tokenizers/s"));
  EXPECT_EQ(3, plan.recipe.epochs);
  EXPECT_EQ(64, plan.recipe.sequence_length) << "its examples are short";
  EXPECT_EQ(4096, plan.recipe.micro_batch_tokens);
  EXPECT_EQ(8192, plan.recipe.batch_tokens);
  EXPECT_EQ(1e-3, plan.recipe.optimizer.lr) << "a small model";
  EXPECT_TRUE(plan.recipe.validation.keeps_best());
  const train::RunSummary tuned = train(at_, plan.recipe);
  EXPECT_FALSE(tuned.validation.empty());
  EXPECT_TRUE(fs::exists(home_.home.place(Kind::kModel, "s-sft")));
  EXPECT_TRUE(plan_tuning(at_, config(file("chats.jsonl")), {}).tokens.result.skipped);
  EXPECT_TRUE(train(at_, plan.recipe).skipped) << "the same again is done already";
}

TEST_F(TuneTest, WhatARecipeSaysStands) {
  TuneConfig c = config(file("pairs.jsonl"));
  c.name = "mine";
  const Json recipe{{"lora", {{"rank", 4}}},         {"steps", 3},
                    {"sequence_length", 128},        {"micro_batch_tokens", 512},
                    {"preference", {{"beta", 0.5}}}, {"validation", {{"keep_best", false}}}};
  const TunePlan plan = plan_tuning(at_, c, recipe);
  EXPECT_EQ("dpo", plan.method);
  EXPECT_EQ("dpo", plan.recipe.method);
  EXPECT_EQ("mine", plan.recipe.name);
  EXPECT_EQ(3, plan.recipe.steps);
  EXPECT_EQ(0, plan.recipe.epochs);
  EXPECT_EQ(8192, plan.recipe.batch_tokens);
  EXPECT_EQ(0.5, plan.recipe.preference->beta);
  EXPECT_FALSE(plan.recipe.validation.keeps_best());
  EXPECT_EQ(3, train(at_, plan.recipe).steps);
  EXPECT_TRUE(fs::exists(home_.home.place(Kind::kAdapter, "mine")));
}

TEST_F(TuneTest, RatesFollowTheSizeOfTheModel) {
  const double whole = plan_tuning(at_, config(file("pairs.jsonl")), {}).recipe.optimizer.lr;
  const double adapter = plan_tuning(at_, config(file("pairs.jsonl")), {{"lora", {{"rank", 4}}}}).recipe.optimizer.lr;
  EXPECT_NEAR(1e-6 * std::sqrt(1e9 / 17e3), whole, 0.2 * whole) << "17 thousand parameters";
  EXPECT_EQ(2e-3, adapter) << "ten times as much, and not more";
}

TEST_F(TuneTest, TakesDatasetsToo) {
  EXPECT_EQ("sft", plan_tuning(at_, config("s"), {}).method) << "documents are gone on with";
  const TunePlan files = plan_tuning(at_, config(file("pairs.jsonl")), {});
  const TunePlan packed = plan_tuning(at_, config(files.tokens.directory.string()), {});
  EXPECT_EQ("dpo", packed.method);
  EXPECT_EQ(files.tokens.directory, packed.tokens.directory);
  EXPECT_EQ("dpo", plan_tuning(at_, config("s-dpo/tokens-s"), {}).method) << "by name";
}

TEST_F(TuneTest, LearnsFromATeacherOnChatsAndOnDocuments) {
  const Json recipe{{"distill", {{"teacher", "s"}, {"beta", 0}}}, {"steps", 2}};
  for (const std::string& data : {file("chats.jsonl"), std::string("s")}) {
    TuneConfig c = config(data, "distill");
    c.name = data == "s" ? "of-documents" : "of-chats";
    const TunePlan plan = plan_tuning(at_, c, recipe);
    EXPECT_EQ("distill", plan.method);
    EXPECT_EQ("distill", plan.recipe.method);
    EXPECT_EQ(0, plan.recipe.distill->beta);
    EXPECT_EQ(2, train(at_, plan.recipe).steps);
    EXPECT_EQ("teacher", ledger::read_manifest(place_of(c.name)).inputs.back().role);
  }
}

TEST_F(TuneTest, AnswersThatTheStudentGivesItselfHaveRoom) {
  const auto length = [&](const Json& distill) {
    TuneConfig c = config(file("chats.jsonl"), "distill");
    c.name = "own";
    return plan_tuning(at_, c, Json{{"distill", distill}, {"steps", 2}}).recipe.sequence_length;
  };
  EXPECT_EQ(64, length({{"teacher", "s"}}));
  EXPECT_EQ(192, length({{"teacher", "s"}, {"on_policy", 0.5}})) << "128 tokens of an answer";
  EXPECT_EQ(128, length({{"teacher", "s"}, {"on_policy", 1}, {"max_completion_length", 40}}));
  TuneConfig documents = config("s", "distill");
  documents.name = "of-documents";
  const TunePlan plan = plan_tuning(
      at_, documents,
      Json{{"distill", {{"teacher", "s"}, {"on_policy", 1}, {"max_completion_length", 4}}}, {"steps", 2}});
  try {
    train(at_, plan.recipe);
    FAIL();
  } catch (const Failure& e) {
    EXPECT_THAT(e.what(), HasSubstr("holds documents, which have no answers that the student could give"));
  }
}

TEST_F(TuneTest, AnAdapterOfAQuantizedModelIsMergedAndItsCostIsSaid) {
  for (const bool dora : {false, true}) {
    const std::string quantized = dora ? "q8" : "q4", adapter = quantized + "-adapter";
    quantize(at_, {.model = "s", .to = dora ? "int8" : "int4", .out = quantized});
    TuneConfig c = config(file("chats.jsonl"));
    c.model = quantized, c.name = adapter;
    const Json recipe{{"lora", {{"rank", 4}, {"use_dora", dora}}}, {"steps", 12}, {"optimizer", {{"lr", 0.01}}}};
    train(at_, plan_tuning(at_, c, recipe).recipe);
    const auto merged = [&](const std::string& to) {
      const MergeResult result = merge(at_, {.model = quantized, .adapter = adapter, .out = adapter + to, .to = to});
      EXPECT_EQ(7, result.tensors);
      EXPECT_TRUE(result.cost && result.cost->before && result.cost->after) << to;
      return result;
    };
    const MergeResult plain = merged("bf16"), rounded = merged(""), coarse = merged("int4");
    EXPECT_EQ(dora ? "int8" : "int4", rounded.to) << "as the model is";
    const double beside = *plain.cost->before;
    EXPECT_LT(beside,
              0.99 * *bits_per_byte(at_, *load_for_serving(machine_.device().host(), place_of(quantized), Dtype::kBf16),
                                    held_out_of(adapter)))
        << "it has learnt, or nothing below shows anything";
    EXPECT_NEAR(beside, *plain.cost->after, 0.01 * beside) << "the sum is rounded to bf16";
    EXPECT_NEAR(beside, *rounded.cost->after, 0.1 * beside);
    EXPECT_NE(*plain.cost->after, *coarse.cost->after);
    const auto stored = load_for_serving(machine_.device().host(), place_of(adapter), Dtype::kBf16);
    EXPECT_TRUE(has_quantized_weights(*stored));
    EXPECT_EQ(*rounded.cost->after, *bits_per_byte(at_, *stored, held_out_of(adapter))) << "as it was measured";
    const ledger::Manifest manifest = ledger::read_manifest(place_of(adapter));
    EXPECT_EQ(*rounded.cost->after, manifest.notes["bits_per_byte_merged"].get<double>());
  }
  EXPECT_THAT(error_of([&] { merge(at_, {.model = "s", .adapter = "q4-adapter", .out = "x", .to = "int4"}); }).message,
              HasSubstr("is not quantized"));
}

TEST_F(TuneTest, AnswersWithLabelsAndRewardsAreLearntFrom) {
  std::string labelled;
  for (int i = 0; i < 40; ++i)
    labelled +=
        Json{{"prompt", "q" + std::to_string(i)}, {"completion", i % 2 ? "yes" : "no"}, {"label", i % 2 == 1}}.dump() +
        "\n";
  write_file(root_ / "labelled.jsonl", labelled);
  const TunePlan kto = plan_tuning(at_, config(file("labelled.jsonl")), {{"steps", 2}});
  EXPECT_EQ("kto", kto.method);
  EXPECT_EQ("kto", kto.recipe.method);
  EXPECT_TRUE(train(at_, kto.recipe).validation.contains("kl"));
  EXPECT_EQ("kto", plan_tuning(at_, config(kto.tokens.directory.string()), {}).method);
  const TunePlan judge = plan_tuning(at_, config(file("pairs.jsonl"), "reward"), {{"steps", 2}});
  EXPECT_EQ("s-reward", judge.recipe.name);
  EXPECT_TRUE(train(at_, judge.recipe).validation.contains("accuracy"));
  const auto model = load_reward_model(home_.home.place(Kind::kModel, "s-reward"));
  EXPECT_TRUE(model->pad_token_id) << "the tokenizer's, which no text ends with";
  EXPECT_TRUE(fs::exists(home_.home.place(Kind::kModel, "s-reward") / "tokenizer.json"));
  EXPECT_THAT(error_of([&] { plan_tuning(at_, config(file("labelled.jsonl"), "dpo"), {}); }).message,
              HasSubstr("labelled.jsonl: holds answers with labels, method=dpo learns from pairs of answers"));
}

TEST_F(TuneTest, PairsOfTextsMakeASentenceEncoderOrAReranker) {
  std::string texts, scored;
  for (int i = 0; i < 60; ++i) {
    const std::string n = std::to_string(i);
    texts += Json{{"query", "what is " + n}, {"pos_doc", "it is " + n}, {"neg_doc", {"it is not"}}}.dump() + "\n";
    scored += Json{{"sentence1", "what is " + n}, {"sentence2", "it is " + n}, {"score", i % 6}}.dump() + "\n";
  }
  write_file(root_ / "texts.jsonl", texts);
  write_file(root_ / "scored.jsonl", scored);
  const TunePlan plan = plan_tuning(at_, config(file("texts.jsonl")), {{"epochs", 1}});
  EXPECT_EQ("embed", plan.method);
  EXPECT_EQ("embed", plan.recipe.method);
  EXPECT_EQ("s-embed", plan.recipe.name);
  EXPECT_EQ(8192, plan.recipe.micro_batch_tokens);
  EXPECT_EQ(8192, plan.recipe.batch_tokens) << "as many negatives as may be";
  EXPECT_TRUE(train(at_, plan.recipe).validation.contains("mrr"));
  EXPECT_TRUE(fs::exists(place_of("s-embed") / "modules.json"));
  EXPECT_TRUE(fs::exists(place_of("s-embed") / "tokenizer.json"));
  EXPECT_TRUE(read_json(place_of("s") / "tokenizer_config.json").contains("chat_template"));
  EXPECT_FALSE(read_json(place_of("s-embed") / "tokenizer_config.json").contains("chat_template"))
      << "sentence-transformers would put it around pairs of texts";
  EXPECT_EQ("embed", plan_tuning(at_, config(plan.tokens.directory.string()), {}).method);
  TuneConfig beside = config(file("texts.jsonl"));
  beside.name = "beside";
  train(at_, plan_tuning(at_, beside, {{"epochs", 1}, {"lora", {{"rank", 2}}}}).recipe);
  EXPECT_TRUE(fs::exists(place_of("beside") / "modules.json")) << "a model, not an adapter";

  TuneConfig c = config(file("scored.jsonl"));
  c.name = "sts";
  EXPECT_THAT(error_of([&] { plan_tuning(at_, c, {}); }).message, HasSubstr("highest_score"));
  c.highest_score = 5;
  EXPECT_TRUE(train(at_, plan_tuning(at_, c, {{"epochs", 1}}).recipe).validation.contains("spearman"));

  const TunePlan rank = plan_tuning(at_, config(file("texts.jsonl"), "rank"), {{"epochs", 1}});
  EXPECT_TRUE(train(at_, rank.recipe).validation.contains("accuracy"));
  EXPECT_TRUE(load_reward_model(place_of("s-rank"))->pad_token_id);
}

TEST_F(TuneTest, AnEncoderIsTrainedAsItWasMade) {
  ledger::ArtefactWriter writer(place_of("bert"));
  Encoder encoder({.vocab_size = 400,
                   .hidden_size = 32,
                   .intermediate_size = 64,
                   .num_hidden_layers = 1,
                   .num_attention_heads = 2,
                   .max_position_embeddings = 48},
                  Dtype::kF32);
  allocate_values(encoder);
  for (Parameter* p : encoder.parameters())
    for (int64_t i = 0; i < p->value.size(); ++i) p->value.data<float>()[i] = static_cast<float>(i % 7 - 3) / 30;
  save_encoder(encoder, writer.directory());
  write_json(writer.directory() / "config.json", {{"architectures", {"BertModel"}},
                                                  {"vocab_size", 400},
                                                  {"hidden_size", 32},
                                                  {"intermediate_size", 64},
                                                  {"num_hidden_layers", 1},
                                                  {"num_attention_heads", 2},
                                                  {"max_position_embeddings", 48}});
  for (const fs::directory_entry& entry : fs::directory_iterator(home_.home.place(Kind::kTokenizer, "s")))
    if (entry.path().filename() != ledger::kManifestName)
      fs::copy_file(entry.path(), writer.directory() / entry.path().filename());
  writer.commit({.kind = "model", .name = "bert"});
  std::string texts;
  for (int i = 0; i < 40; ++i)
    texts += Json{{"query", "what is " + std::to_string(i)}, {"pos_doc", std::string(200, 'x')}}.dump() + "\n";
  write_file(root_ / "texts.jsonl", texts);
  TuneConfig c = config(file("texts.jsonl"));
  c.model = "bert", c.tokenizer = "s";
  const TunePlan plan = plan_tuning(at_, c, {{"epochs", 1}});
  EXPECT_EQ(48, plan.recipe.sequence_length) << "as much as it reads";
  EXPECT_TRUE(train(at_, plan.recipe).validation.contains("mrr"));
  EXPECT_EQ(48, SentenceEncoder::load(place_of("bert-embed")).max_tokens());
  c.data = {file("chats.jsonl")};
  EXPECT_THAT(error_of([&] { train(at_, plan_tuning(at_, c, {}).recipe); }).message,
              HasSubstr("is an encoder, which only method=embed and method=rank can train"));
}

// As transformers writes it today: a template in a file of its own, and no map of special tokens.
TEST_F(TuneTest, ATokenizerFromElsewhereComesWithTheFilesThatItHas) {
  const fs::path foreign = root_ / "foreign";
  fs::copy(home_.home.place(Kind::kTokenizer, "s"), foreign);
  fs::remove(foreign / ledger::kManifestName);
  fs::remove(foreign / "special_tokens_map.json");
  write_file(foreign / "chat_template.jinja",
             "{% for m in messages %}{{ m.role }}: {% if m.role == 'assistant' %}{% generation %}{{ m.content }}"
             "{% endgeneration %}{% else %}{{ m.content }}{% endif %}\n{% endfor %}");
  ledger::ArtefactWriter writer(home_.home.place(Kind::kTokenizer, "foreign"));
  fs::copy(foreign, writer.directory(), fs::copy_options::recursive);
  writer.commit({.kind = "tokenizer", .name = "foreign"});
  TuneConfig c = config(file("chats.jsonl"));
  c.tokenizer = "foreign";
  train(at_, plan_tuning(at_, c, {{"steps", 1}}).recipe);
  EXPECT_TRUE(fs::exists(place_of("s-sft") / "chat_template.jinja"));
  EXPECT_FALSE(fs::exists(place_of("s-sft") / "special_tokens_map.json"));
}

TEST_F(TuneTest, RefusesByName) {
  const auto error = [&](const TuneConfig& c, const Json& recipe = {}) {
    return error_of([&] { plan_tuning(at_, c, recipe); }).message;
  };
  EXPECT_THAT(error(config(file("pairs.jsonl"), "sft")),
              HasSubstr("pairs.jsonl: holds pairs of answers, method=sft learns from conversations"));
  EXPECT_THAT(error(config("s", "dpo")), HasSubstr("holds documents"));
  EXPECT_THAT(error(config("nothing")), HasSubstr("nothing"));
  TuneConfig without = config("s");
  without.data = {};
  EXPECT_THAT(error(without), HasSubstr("recipe: data: expected"));
  without = config("s");
  without.model = "";
  EXPECT_THAT(error(without), HasSubstr("recipe: model: expected"));
  EXPECT_THAT(error(config("s"), {{"init_from", "s"}}), HasSubstr("recipe: init_from: is of `maru train`"));
  EXPECT_THAT(error(config("s"), {{"optimiser", 1}}), HasSubstr("unknown key \"optimiser\""));
  EXPECT_THAT(error(config("s"), {{"sequence_length", "long"}}), HasSubstr("recipe: sequence_length: expected"));
  EXPECT_THAT(error(config("s"), {{"micro_batch_tokens", 0}}), HasSubstr("recipe: micro_batch_tokens: expected"));
  write_file(root_ / "bad.jsonl", "{\"prompt\": \"a\", \"completion\": \"b\"}\n{\"prompt\": \"a\"}\n");
  EXPECT_THAT(error(config(file("bad.jsonl"))), HasSubstr("bad.jsonl:2: completion: is missing"));
  EXPECT_FALSE(fs::exists(home_.home.place(Kind::kRun, "s-sft"))) << "nothing was started";
}

TEST_F(TuneTest, TokensThatSomethingWasMadeFromStay) {
  const fs::path tokens = plan_tuning(at_, config(file("chats.jsonl")), {{"steps", 1}}).tokens.directory;
  const std::string first = read_file(file("chats.jsonl")), more = first + R"({"prompt": "a", "completion": "b"})";
  write_file(file("chats.jsonl"), more);
  const TunePlan plan = plan_tuning(at_, config(file("chats.jsonl")), {{"steps", 1}});
  EXPECT_FALSE(plan.tokens.result.skipped) << "nothing was made from those of before";
  train(at_, plan.recipe);
  const std::string manifest = read_file(tokens / ledger::kManifestName);
  write_file(file("chats.jsonl"), first);
  const Error refused = error_of([&] { plan_tuning(at_, config(file("chats.jsonl")), {{"steps", 1}}); });
  EXPECT_EQ(ErrorCode::kExists, refused.code);
  EXPECT_THAT(refused.message, HasSubstr("tokens-s: holds tokens of other data or settings, which models/s-sft, "
                                         "runs/s-sft were made from; they stay"));
  EXPECT_EQ(manifest, read_file(tokens / ledger::kManifestName));
  fs::remove_all(place_of("s-sft"));
  EXPECT_THAT(error_of([&] { plan_tuning(at_, config(file("chats.jsonl")), {}); }).message,
              HasSubstr("which runs/s-sft was made from"));
  write_file(file("chats.jsonl"), more);
  EXPECT_TRUE(plan_tuning(at_, config(file("chats.jsonl")), {}).tokens.result.skipped);
  TuneConfig other = config(file("chats.jsonl"));
  other.name = "other", other.held_out = 0.1;
  EXPECT_FALSE(plan_tuning(at_, other, {}).tokens.result.skipped);
}

TEST_F(TuneTest, SaysWhereAnAdapterIsUsedBesideAnotherModel) {
  for (const char* lora : {R"({"steps": 1, "lora": {"rank": 2}})", R"({"steps": 1})"}) {
    TuneConfig asked = config(file("chats.jsonl"));
    asked.name = std::string(lora).find("rank") == std::string::npos ? "other" : "adapter";
    train(at_, plan_tuning(at_, asked, parse_json(lora, "").value()).recipe);
  }
  SinkOfLines sink;
  const Workplace at{home_.home, machine_, {.sink = &sink}};
  const auto warnings = [&] {
    return std::ranges::count_if(sink.lines, [](auto& l) { return l.starts_with("warn"); });
  };
  const fs::path adapter = home_.home.place(Kind::kAdapter, "adapter");
  merge(at, {.model = "s", .adapter = "adapter", .out = "right"});
  LocalModel(at, "s", adapter);
  EXPECT_EQ(warnings(), 0);
  merge(at, {.model = "other", .adapter = "adapter", .out = "wrong"});
  LocalModel(at, "other", adapter);
  EXPECT_EQ(warnings(), 2);
  EXPECT_THAT(sink.lines, testing::Contains(HasSubstr("was trained beside another model")));
}

TEST_F(TuneTest, BothModelsAnswerWhatIsHeldOut) {
  for (const char* rank : {"null", "2"}) {
    const TunePlan plan = plan_tuning(at_, config(file("chats.jsonl")),
                                      parse_json(std::string(R"({"steps": 40, "optimizer": {"lr": 0.02}, "lora": )") +
                                                     (*rank == 'n' ? "null}" : R"({"rank": 2}})"),
                                                 "")
                                          .value());
    train(at_, plan.recipe);
    ASSERT_TRUE(plan.answers);
    const Comparison made = compare_answers(at_, plan.recipe, 3);
    ASSERT_EQ(made.answers.size(), 3U);
    for (const ComparedAnswer& one : made.answers) {
      EXPECT_THAT(one.prompt, HasSubstr("q"));
      EXPECT_THAT(one.expected, HasSubstr("yes"));
      EXPECT_NE(one.before, one.after) << "with this learning rate";
    }
    EXPECT_NE(made.answers[0].prompt, made.answers[1].prompt);
    const fs::path kept = at_.home.place(Kind::kRun, plan.recipe.name) / "comparison.json";
    EXPECT_EQ(read_json(kept), to_json(made));
    Comparison other = made;  // of the same result: not asked again
    other.answers[0].after = "kept";
    write_json(kept, to_json(other));
    EXPECT_EQ(compare_answers(at_, plan.recipe, 3).answers[0].after, "kept");
    EXPECT_EQ(compare_answers(at_, plan.recipe, 2).answers.size(), 2U);
    other.result = "of an earlier one", other.asked = 2;
    write_json(kept, to_json(other));
    EXPECT_NE(compare_answers(at_, plan.recipe, 2).answers[0].after, "kept");
    for (const Kind kind : {Kind::kRun, Kind::kModel}) fs::remove_all(at_.home.place(kind, plan.recipe.name));
  }
}

TEST_F(TuneTest, ComparesWhatPromptsAndDocumentsBeginWith) {
  TuneConfig documents = config("s");
  const TunePlan plan = plan_tuning(at_, documents, Json{{"steps", 1}});
  train(at_, plan.recipe);
  const Comparison made = compare_answers(at_, plan.recipe, 1);
  ASSERT_EQ(made.answers.size(), 1U);
  EXPECT_FALSE(made.answers[0].prompt.empty());
  EXPECT_FALSE(made.answers[0].expected.empty());
  const TunePlan pairs = plan_tuning(at_, config(file("pairs.jsonl"), "orpo"), Json{{"steps", 1}});
  train(at_, pairs.recipe);
  const formats::TokenDataset held_out(pairs.recipe.tokens, "held_out");
  EXPECT_EQ(compare_answers(at_, pairs.recipe, 1000).answers.size(), held_out.num_documents() / 2) << "a prompt once";
  EXPECT_FALSE(plan_tuning(at_, config(file("pairs.jsonl"), "reward"), {}).answers);
}

}  // namespace
}  // namespace maru::pipeline
