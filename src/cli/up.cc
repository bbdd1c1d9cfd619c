// maru up: the whole line in one command. Every stage is skipped when its inputs have not changed.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <cstdlib>

#include "api/server.h"
#include "base/json.h"
#include "base/progress.h"
#include "cli/answers.h"
#include "cli/run_server.h"
#include "cli/sample_corpus.h"
#include "cli/verbs.h"
#include "pipeline/tune.h"

namespace maru::cli {

namespace {

constexpr double kLittleText = 100e3;  // bytes

// Tuning on conversations, behind the pre-training; nothing without inputs.
struct UpChatConfig {
  data::ChatPackConfig data;
  train::TrainConfig train;
  static constexpr auto fields() {
    return std::tuple{field("data", &UpChatConfig::data, ""), field("train", &UpChatConfig::train, "")};
  }
};

struct UpConfig {
  std::string name = "korean";
  data::BuildConfig data;
  pipeline::TokenizeConfig tokenizer;
  train::TrainConfig train;
  pipeline::EvaluateConfig eval;
  UpChatConfig chat;
  api::ServeConfig serve;
  static constexpr auto fields() {
    using C = UpConfig;
    return std::tuple{field("name", &C::name, "of the dataset, tokenizer, run and model"),
                      field("data", &C::data, ""),
                      field("tokenizer", &C::tokenizer, ""),
                      field("train", &C::train, ""),
                      field("eval", &C::eval, ""),
                      field("chat", &C::chat, ""),
                      field("serve", &C::serve, "")};
  }
};

// What suits a few megabytes of text and ten minutes on two cores.
UpConfig defaults() {
  UpConfig c;
  c.data.language.keep = {"ko"};
  c.data.quality.min_characters = 60;         // a help page may be two sentences
  c.data.quality.max_duplicate_ngrams = 0.3;  // manuals repeat their phrases on purpose
  c.data.quality.max_duplicate_lines = 0.4;
  c.data.quality.max_duplicate_line_characters = 0.3;
  c.data.quality.max_top_ngram = 0.25;
  c.tokenizer.trainer.vocab_size = 8192;
  c.train.model = {.hidden_size = 256,
                   .intermediate_size = 768,
                   .num_hidden_layers = 6,
                   .num_attention_heads = 8,
                   .num_key_value_heads = 4,
                   .max_position_embeddings = 2048};
  c.train.sequence_length = 2048;
  c.train.batch_tokens = 8192;
  c.train.micro_batch_tokens = 8192;
  c.train.optimizer = {.name = "muon", .lr = 3e-3};
  c.train.schedule.name = "wsd";
  c.train.minutes = 10;
  c.chat.train.sequence_length = 1024;
  c.chat.train.batch_tokens = c.chat.train.micro_batch_tokens = 4096;
  c.chat.train.optimizer = {.name = "adamw", .lr = 1e-3, .weight_decay = 0};
  c.chat.train.schedule.final_ratio = 0;
  c.chat.train.epochs = 6;
  c.eval.prompts = {"파일을 저장하려면", "설치를 시작하기 전에", "이 기능은"};
  return c;
}

struct Options {
  RecipeArguments recipe;
  std::vector<std::string> inputs, chats;
  std::string name;
  double minutes = 0;
  int port = -1;
  bool no_chat = false, no_serve = false, yes = false;
};

bool json_has(const Json& recipe, const char* pointer) { return recipe.contains(Json::json_pointer(pointer)); }

UpConfig configure(const Options& o) {
  const Json recipe = o.recipe.read();
  Json json = to_json(defaults());
  json.merge_patch(recipe);
  const bool other_budget = json_has(recipe, "/train/steps") || json_has(recipe, "/train/epochs");
  if (other_budget && !json_has(recipe, "/train/minutes")) json["train"]["minutes"] = 0;
  const bool other_chat = json_has(recipe, "/chat/train/steps") || json_has(recipe, "/chat/train/minutes");
  if (other_chat && !json_has(recipe, "/chat/train/epochs")) json["chat"]["train"]["epochs"] = 0;
  if (json_has(recipe, "/chat/train/model"))
    throw Failure(ErrorCode::kInvalidArgument, "recipe: chat.train.model: it is the model that train.model says");
  auto config = from_json<UpConfig>(json, o.recipe.file);
  if (!o.name.empty()) config.name = o.name;
  if (!o.inputs.empty()) {
    config.data.inputs.clear();
    if (!json_has(recipe, "/data/language/keep")) config.data.language.keep = {};  // any language
  }
  for (const std::string& path : o.inputs) config.data.inputs.push_back({.path = from_shell(path).string()});
  for (const std::string& path : o.chats) config.chat.data.inputs.push_back(from_shell(path).string());
  if (o.minutes > 0) config.train.minutes = o.minutes;
  if (o.port >= 0) config.serve.http.port = o.port;
  config.tokenizer.name = config.train.name = config.eval.model = config.name;
  config.tokenizer.inputs = {config.name};
  config.tokenizer.context_length = config.train.model.max_position_embeddings;
  config.train.tokenizer = config.chat.train.tokenizer = config.chat.train.init_from = config.name;
  config.chat.train.name = config.name + "-chat";
  return config;
}

// What would only be found after the training is looked at before it.
void check_ahead(const Session& session, const UpConfig& config, bool serve) {
  if (serve) check_can_serve(session, config.serve);
  for (const eval::ClassifyConfig& task : config.eval.tasks)
    if (!fs::exists(task.file))
      throw Failure(ErrorCode::kNotFound, "eval.tasks: " + task.name + ": file: \"" + task.file + "\" is not there");
}

double bytes_of(const Json& report, const std::string& split) {
  for (const Json& row : report.at("splits"))
    if (row.at("name") == split) return row.at("bytes").get<double>();
  return 0;
}

// The model is measured on text that it has not learnt from, so there has to be some, before minutes are spent.
void check_splits(const UpConfig& config, const Json& report) {
  if (config.data.split.held_out == 0)
    throw Failure(
        ErrorCode::kInvalidArgument,
        "data.split.held_out is 0: `maru up` measures the model on text that is held out; keep a part, such as "
        "0.05, or train on everything with `maru train`");
  if (bytes_of(report, "held_out") == 0 || bytes_of(report, "train") == 0)
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("there is no text to hold out: of {} documents {} are left, in one line. Needed are two "
                              "documents, or one of at least two paragraphs",
                              report["documents_in"].get<int64_t>(), report["documents_out"].get<int64_t>()));
  if (const double train = bytes_of(report, "train"); train < kLittleText)
    spdlog::warn("{} of text is little to learn a language from: the model will repeat it. A few megabytes are a start",
                 short_bytes(train));
}

void pack_chats(const pipeline::Workplace& at, const Session& session, UpConfig& config) {
  UpChatConfig& chat = config.chat;
  const pipeline::PackedTokens packed = pipeline::pack_chats(at, chat.train.name, config.name, chat.data);
  answer(session, packed);
  chat.train.tokens = packed.directory.string();
}

void run_line(Session& session, UpConfig config, const Options& o) {
  session.place(Kind::kDataset, config.name);  // before anything is fetched, read or said
  check_ahead(session, config, !o.no_serve);
  if (config.data.inputs.empty()) {
    if (o.yes) ::setenv("MARU_YES", "1", 1);
    const char* tool = std::getenv("MARU_CORPUS_TOOL");
    for (const std::string& folder : sample_corpus(session.home, tool != nullptr ? tool : ""))
      config.data.inputs.push_back({.path = folder});
    if (config.chat.data.inputs.empty() && !o.no_chat) config.chat.data.inputs = {sample_chats(session.home)};
  }
  const bool chats = !config.chat.data.inputs.empty();
  const pipeline::Workplace at = session.workplace();
  at.watch.inform(
      fmt::format("maru up: {} on {}; artefacts in {}", config.name, at.machine.text(), session.home.string()));
  const data::BuildResult built = pipeline::curate(at, config.name, config.data);
  answer(session, config.name, built);
  check_splits(config, built.report);
  answer(session, pipeline::tokenize(at, config.tokenizer));
  const pipeline::PackedTokens packed = pipeline::pack(at, config.name, config.name);
  answer(session, packed);
  config.train.tokens = packed.directory.string();
  if (chats) pack_chats(at, session, config);  // what is wrong with them is found before minutes are spent
  answer(session, pipeline::train(at, config.train, /*set_aside=*/true));
  answer(session, pipeline::evaluate(at, config.eval));
  answer_report(at, session, config.train, 0);
  std::vector<serving::ModelSource> models{{.path = session.find(Kind::kModel, config.name), .id = ""}};
  if (chats) {
    const std::string& name = config.chat.train.name;
    answer(session, pipeline::train(at, config.chat.train, /*set_aside=*/true));
    answer_report(at, session, config.chat.train, pipeline::TuneConfig{}.samples);
    models.insert(models.begin(), {.path = session.find(Kind::kModel, name), .id = ""});
  }
  if (!o.no_serve) run_server(session, config.serve, {.models = std::move(models)});
}

}  // namespace

void add_up(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("up", "the whole line: curate, train a tokenizer, pre-train, evaluate, serve");
  verb->footer(
      "  maru up                                a sample: Korean documentation from Debian's packages, fetched once\n"
      "  maru up --input ~/texts --name mine    your own text\n"
      "  maru up --minutes 30 tokenizer.trainer.vocab_size=16384 --name wider\n\n"
      "The same command goes on where it was; what has not changed is not done again.");
  auto o = std::make_shared<Options>();
  verb->add_option("--input", o->inputs, "your own text: files or folders; without it, the sample")
      ->allow_extra_args(false);
  verb->add_option("--chat", o->chats,
                   "conversations to tune it on then, as NAME-chat: JSONL of \"messages\", or \"prompt\" and "
                   "\"completion\"; the sample brings its own")
      ->allow_extra_args(false);
  verb->add_flag("--no-chat", o->no_chat, "with the sample: pre-train only")->excludes("--chat");
  verb->add_option("--name", o->name, "of what is made (default: korean)");
  verb->add_option("--minutes", o->minutes, "training time (default: 10)")->check(number_in(0.01, 1e6));
  verb->add_option("--port", o->port, "of the server (default: 8000); 0: any free one")
      ->check(whole_number_in(0, 65535));
  verb->add_flag("--no-serve", o->no_serve, "stop after the report");
  verb->add_flag("--yes,-y", o->yes, "fetch the sample without asking");
  o->recipe.add_to(verb, describe_fields(defaults()), &o->inputs);
  verb->callback([&session, o] { run_line(session, configure(*o), *o); });
}

}  // namespace maru::cli
