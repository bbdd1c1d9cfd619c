// maru train: pre-training, continued training and fine-tuning.
#include <fmt/format.h>

#include "base/json.h"
#include "base/progress.h"
#include "cli/answers.h"
#include "cli/verbs.h"
#include "train/validate.h"

namespace maru::cli {
namespace {

Json json_of(const train::RunSummary& s) {
  Json json{{"steps", s.steps},
            {"tokens", s.tokens},
            {"parameters", s.parameters},
            {"loss", train::number_or_null(s.loss)},
            {"tokens_per_second", s.tokens_per_second},
            {"mfu", s.mfu},
            {"seconds", s.seconds},
            {"resumed", s.resumed}};
  add_validation(s, json);
  return json;
}

std::string held_out_text(const train::RunSummary& s) {
  const auto figure = s.validation.find(std::string(s.measure.name));
  if (figure == s.validation.end()) return ", nothing held out";
  return fmt::format(", held-out {:.3f} {}", figure->second, s.measure.words);
}

std::string text_of(const train::RunSummary& s) {
  std::string text =
      fmt::format("train        {} parameters, {} steps, {} tokens", short_count(static_cast<double>(s.parameters)),
                  s.steps, short_count(static_cast<double>(s.tokens)));
  if (!s.skipped) text += " in " + short_time(s.seconds);
  text += s.loss ? fmt::format(": loss {:.3f}", *s.loss) : ": loss unknown";
  text += held_out_text(s);
  if (s.skipped) return text + " (unchanged)";
  return text + fmt::format(" ({} tok/s, MFU {:.0f} %)", short_count(s.tokens_per_second), 100 * s.mfu);
}

}  // namespace

void answer(const Session& session, const train::RunSummary& summary) {
  session.answer(json_of(summary), text_of(summary));
}

void add_train(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand(
      "train", "pre-train, continue, or tune (SFT, LoRA, preferences, rewards) a model from a recipe");
  auto recipe = std::make_shared<RecipeArguments>();
  recipe->add_to(verb, describe_fields<train::TrainConfig>());
  verb->callback([&session, recipe] {
    const train::TrainConfig config = pipeline::read_train_recipe(recipe->read(), recipe->file);
    answer(session, pipeline::train(session.workplace(), config));
  });
}

}  // namespace maru::cli
