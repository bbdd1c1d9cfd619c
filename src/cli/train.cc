// maru train: pre-training, continued training and fine-tuning.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/file_lock.h"
#include "base/json.h"
#include "base/progress.h"
#include "cli/stages.h"
#include "cli/verbs.h"
#include "text/tokenizer/files/load_tokenizer.h"
#include "text/tokenizer/tokenizer.h"
#include "train/identity.h"
#include "train/validate.h"

namespace maru::cli {
namespace {

Json json_of(const train::RunSummary& s) {
  return {{"steps", s.steps},
          {"tokens", s.tokens},
          {"parameters", s.parameters},
          {"loss", train::number_or_null(s.loss)},
          {"validation_bits_per_byte", train::number_or_null(s.validation_bits_per_byte)},
          {"tokens_per_second", s.tokens_per_second},
          {"mfu", s.mfu},
          {"seconds", s.seconds},
          {"resumed", s.resumed}};
}

std::string text_of(const train::RunSummary& s) {
  std::string text =
      fmt::format("train        {} parameters, {} steps, {} tokens", short_count(static_cast<double>(s.parameters)),
                  s.steps, short_count(static_cast<double>(s.tokens)));
  if (!s.skipped) text += " in " + short_time(s.seconds);
  text += s.loss ? fmt::format(": loss {:.3f}", *s.loss) : ": loss unknown";
  text += s.validation_bits_per_byte ? fmt::format(", held-out {:.3f} bits per byte", *s.validation_bits_per_byte)
                                     : ", no text held out";
  if (s.skipped) return text + " (unchanged)";
  return text + fmt::format(" ({} tok/s, MFU {:.0f} %)", short_count(s.tokens_per_second), 100 * s.mfu);
}

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
void set_run_aside(const fs::path& run, const train::TrainConfig& config, const fs::path& home) {
  if (!fs::exists(run)) return;
  const FileLock lock(run);
  const auto difference = train::difference_from(run, config, home);
  if (!difference) return;
  for (int i = 1;; ++i) {
    const fs::path aside = run.string() + "." + std::to_string(i);
    if (fs::exists(fs::symlink_status(aside))) continue;
    fs::rename(run, aside);
    return spdlog::warn("{} was started with another {}; it is now {}", run.string(), *difference, aside.string());
  }
}

}  // namespace

StageResult train_model(Session& session, train::TrainConfig config, bool set_aside) {
  const fs::path run = session.place("runs", config.name), model = session.place("models", config.name);
  if (config.tokenizer.empty())
    throw Failure(ErrorCode::kInvalidArgument, "recipe: tokenizer: expected a name or directory");
  config.tokens = session.find("datasets", config.tokens).string();
  config.tokenizer = session.find("tokenizers", config.tokenizer).string();
  if (!config.init_from.empty()) {
    config.init_from = session.find("models", config.init_from).string();
    const fs::path file = fs::path(config.init_from) / "config.json";
    config.model = config_from_hugging_face(read_json(file), file.string());
  }
  const text::Tokenizer tokenizer = text::load_tokenizer(config.tokenizer);
  config = train::resolve(config, tokenizer.vocab_size());
  train::RunOptions options{.run = run,
                            .model = model,
                            .home = session.home,
                            .quiet = session.quiet,
                            .generation_config = generation_config(tokenizer),
                            .warn = [](const std::string& message) { spdlog::warn("{}", message); }};
  if (const auto done = train::finished(config, options))
    return {.text = text_of(*done), .json = json_of(*done), .skipped = true};
  if (set_aside) set_run_aside(options.run, config, session.home);
  options.ceiling_flops = session.ceiling_flops(parse_dtype(config.dtype));
  spdlog::info("training {}: {} parameters, {}, {}; ceiling {:.0f} GFLOP/s", config.name,
               short_count(static_cast<double>(count_parameters(config.model))), config.dtype, session.machine(),
               options.ceiling_flops / 1e9);
  const train::RunSummary summary = train::train(config, options, session.stream());
  return {.text = text_of(summary), .json = json_of(summary), .skipped = false};
}

void add_train(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("train", "pre-train, continue, or fine-tune (SFT) a model from a recipe");
  auto recipe = std::make_shared<RecipeArguments>();
  recipe->add_to(verb, describe_fields<train::TrainConfig>());
  verb->callback([&session, recipe] {
    const Json json = recipe->read();
    const auto config = from_json<train::TrainConfig>(json, recipe->file);
    if (!config.init_from.empty() && json.contains("model"))
      throw Failure(ErrorCode::kInvalidArgument,
                    "recipe: model: not together with init_from, whose config.json says it");
    const StageResult result = train_model(session, config, /*set_aside=*/false);
    session.answer(result.json, result.text);
  });
}

}  // namespace maru::cli
