// maru tune: a model and examples become a tuned model.
#include "pipeline/tune.h"

#include <fmt/format.h>

#include "base/json.h"
#include "cli/answers.h"
#include "cli/verbs.h"

namespace maru::cli {
namespace {

std::string train_keys() {
  // Keys that `maru tune` settles itself, or has its own meaning for.
  std::string shown;
  std::istringstream lines(describe_fields<train::TrainConfig>());
  for (std::string line; std::getline(lines, line);) {
    const std::string key = line.substr(2, line.find(' ', 2) - 2);
    const bool own = key == "name" || key == "tokens" || key == "tokenizer" || key == "init_from" || key == "method";
    if (!own && !key.starts_with("model.")) shown += line + "\n";
  }
  return shown;
}

}  // namespace

void add_tune(CLI::App& app, Session& session) {
  CLI::App* verb =
      app.add_subcommand("tune", "tune a model on examples: answers, pairs of answers, as an adapter or whole");
  verb->footer(
      "  maru tune model=korean data=chats.jsonl                       learn to answer (sft)\n"
      "  maru tune model=korean-sft data=pairs.jsonl                   learn what is preferred (dpo)\n"
      "  maru tune model=korean data=chats.jsonl lora.rank=16          as an adapter; the model stays as it is\n"
      "  maru tune model=korean data=questions.jsonl                   learn which texts are close (embed)\n"
      "  maru tune model=korean 'data=[a.jsonl, b.jsonl]' 'weights=[1, 2.5]'\n\n"
      "The data is checked before anything is learnt, and a part of it is held out to measure on. The same command "
      "goes\n"
      "on where it was.\n");
  struct Options {
    RecipeArguments recipe;
    bool dry_run = false;
  };
  auto o = std::make_shared<Options>();
  verb->add_flag("--dry-run", o->dry_run, "check and pack the data, say the whole recipe, and learn nothing");
  o->recipe.add_to(verb, describe_fields<pipeline::TuneConfig>() + train_keys());
  verb->callback([&session, o] {
    pipeline::TuneRecipe halves = pipeline::split_tune_recipe(o->recipe.read(), o->recipe.file);
    for (std::string& path : halves.tune.data) path = from_shell(path).string();
    const pipeline::Workplace at = session.workplace();
    const pipeline::TunePlan plan = pipeline::plan_tuning(at, halves.tune, halves.train);
    if (o->dry_run) {
      Json recipe = to_json(plan.recipe);
      recipe.erase("model");  // as its config.json says
      return session.answer({{"method", plan.method}, {"recipe", recipe}}, plan.method + " " + recipe.dump(2));
    }
    if (!plan.tokens.result.skipped) answer(session, plan.tokens);
    answer(session, pipeline::train(at, plan.recipe));
    answer_report(at, session, plan.recipe, plan.answers ? halves.tune.samples : 0);
  });
}

}  // namespace maru::cli
