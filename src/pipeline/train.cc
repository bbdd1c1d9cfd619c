#include "pipeline/train.h"

#include <fmt/format.h>

#include "base/file_lock.h"
#include "base/json.h"
#include "base/progress.h"
#include "catalogue/lineage.h"
#include "models/weight_source.h"
#include "text/tokenizer/files/load_tokenizer.h"
#include "train/identity.h"
#include "tune/method.h"

namespace maru::pipeline {
namespace {

// What ends an answer of this model, for those who load it elsewhere.
Json generation_config(const text::Tokenizer& tokenizer) {
  Json ends = Json::array();
  if (tokenizer.eos()) ends.push_back(*tokenizer.eos());
  if (const auto turn = tokenizer.id_of("<|im_end|>")) ends.push_back(*turn);
  Json config{{"eos_token_id", ends}};
  if (tokenizer.bos()) config["bos_token_id"] = *tokenizer.bos();
  if (tokenizer.pad()) config["pad_token_id"] = *tokenizer.pad();
  return config;
}

// Renames a run of another recipe to the same name with the first free number behind it.
void set_run_aside(const fs::path& run, const train::TrainConfig& config, const Workplace& at) {
  if (!fs::exists(run)) return;
  const FileLock lock(run);
  const auto difference = train::difference_from(run, config, at.home.root());
  if (!difference) return;
  for (int i = 1;; ++i) {
    const fs::path aside = run.string() + "." + std::to_string(i);
    if (fs::exists(fs::symlink_status(aside))) continue;
    fs::rename(run, aside);
    return at.watch.warn(
        fmt::format("{} was started with another {}; it is now {}", run.string(), *difference, aside.string()));
  }
}

// A model of the home with its origin on record.
std::string recorded_model(const catalogue::Home& home, const std::string& name) {
  const fs::path directory = home.find(Kind::kModel, name);
  if (!fs::exists(directory / ledger::kManifestName))
    throw Failure(
        ErrorCode::kInvalidArgument,
        directory.string() + ": where it comes from is not on record; take it into this home first: maru import");
  return directory.string();
}

// What a teacher says of a token is of use where the same id means the same text.
void check_teacher(const std::string& teacher, const text::Tokenizer& own, const std::string& own_name) {
  const text::Tokenizer its = text::load_tokenizer(catalogue::tokenizer_of(teacher));
  const auto refuse = [&](const std::string& difference) {
    throw Failure(
        ErrorCode::kInvalidArgument,
        fmt::format("recipe: distill.teacher: {}: has another tokenizer than {}: {}", teacher, own_name, difference));
  };
  if (its.vocab_size() != own.vocab_size())
    refuse(fmt::format("{} tokens, not {}", its.vocab_size(), own.vocab_size()));
  const auto spelling = [](const text::Tokenizer& of, int32_t id) {
    return of.contains(id) ? of.spelling_of(id) : std::string_view();
  };
  for (int32_t id = 0; id < own.vocab_size(); ++id)
    if (spelling(its, id) != spelling(own, id))
      refuse(fmt::format("token {} is \"{}\", not \"{}\"", id, spelling(its, id), spelling(own, id)));
}

}  // namespace

train::TrainConfig read_train_recipe(const Json& recipe, const std::string& where) {
  auto config = from_json<train::TrainConfig>(recipe, where);
  if (!config.init_from.empty() && recipe.contains("model"))
    throw Failure(ErrorCode::kInvalidArgument, "recipe: model: not together with init_from, whose config.json says it");
  return config;
}

train::RunSummary train(const Workplace& at, train::TrainConfig config, bool set_aside) {
  const catalogue::Home& home = at.home;
  const Kind kind = train::makes_adapter(config) ? Kind::kAdapter : Kind::kModel;
  const fs::path run = home.place(Kind::kRun, config.name), result = home.place(kind, config.name);
  if (config.tokenizer.empty())
    throw Failure(ErrorCode::kInvalidArgument, "recipe: tokenizer: expected a name or directory");
  config.tokens = home.find(Kind::kDataset, config.tokens).string();
  config.tokenizer = home.find(Kind::kTokenizer, config.tokenizer).string();
  if (!config.init_from.empty()) {
    config.init_from = recorded_model(home, config.init_from);
    const StoredConfig stored = read_stored_config(config.init_from);
    if (is_encoder_config(stored.json))
      config.encoder = encoder_config_from_hugging_face(stored.json, stored.name);
    else
      config.model = config_from_hugging_face(stored.json, stored.name);
  }
  const text::Tokenizer tokenizer = text::load_tokenizer(config.tokenizer);
  config = train::resolve(config, tokenizer.vocab_size());
  if (config.distill) {
    config.distill->teacher = recorded_model(home, config.distill->teacher);
    check_teacher(config.distill->teacher, tokenizer, config.tokenizer);
  }
  train::RunOptions options{.run = run,
                            .model = result,
                            .home = home.root(),
                            .base = catalogue::directory_name(config.init_from),
                            .watch = at.watch,
                            .generation_config = generation_config(tokenizer),
                            .warn = [&](const std::string& message) { at.watch.warn(message); },
                            .make_method = tune::make_method};
  if (auto done = train::finished(config, options)) return *done;
  if (set_aside) set_run_aside(options.run, config, at);
  options.ceiling_flops = at.machine.ceiling_flops(parse_dtype(config.dtype));
  const int64_t parameters = config.encoder ? count_parameters(*config.encoder) : count_parameters(config.model);
  at.watch.inform(fmt::format(
      "training {}{}: {} parameters, {}, {}; ceiling {:.0f} GFLOP/s", config.lora ? "an adapter of " : "", config.name,
      short_count(static_cast<double>(parameters)), config.dtype, at.machine.text(), options.ceiling_flops / 1e9));
  return train::train(config, options, at.machine.device());
}

}  // namespace maru::pipeline
