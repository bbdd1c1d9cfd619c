#include "pipeline/train.h"

#include <fmt/format.h>

#include "base/file_lock.h"
#include "base/json.h"
#include "base/progress.h"
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

}  // namespace

train::RunSummary train(const Workplace& at, train::TrainConfig config, bool set_aside) {
  const catalogue::Home& home = at.home;
  const Kind kind = config.lora ? Kind::kAdapter : Kind::kModel;
  const fs::path run = home.place(Kind::kRun, config.name), result = home.place(kind, config.name);
  if (config.tokenizer.empty())
    throw Failure(ErrorCode::kInvalidArgument, "recipe: tokenizer: expected a name or directory");
  config.tokens = home.find(Kind::kDataset, config.tokens).string();
  config.tokenizer = home.find(Kind::kTokenizer, config.tokenizer).string();
  if (!config.init_from.empty()) {
    config.init_from = home.find(Kind::kModel, config.init_from).string();
    if (!fs::exists(fs::path(config.init_from) / ledger::kManifestName))
      throw Failure(
          ErrorCode::kInvalidArgument,
          config.init_from + ": where it comes from is not on record; take it into this home first: maru import");
    const StoredConfig stored = read_stored_config(config.init_from);
    config.model = config_from_hugging_face(stored.json, stored.name);
  }
  const text::Tokenizer tokenizer = text::load_tokenizer(config.tokenizer);
  config = train::resolve(config, tokenizer.vocab_size());
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
  at.watch.inform(fmt::format("training {}{}: {} parameters, {}, {}; ceiling {:.0f} GFLOP/s",
                              config.lora ? "an adapter of " : "", config.name,
                              short_count(static_cast<double>(count_parameters(config.model))), config.dtype,
                              at.machine.text(), options.ceiling_flops / 1e9));
  return train::train(config, options, at.machine.device());
}

}  // namespace maru::pipeline
