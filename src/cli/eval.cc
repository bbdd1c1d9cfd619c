// maru eval: bits per byte beside what compressors reach, classification, samples.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/json.h"
#include "cli/adapter_option.h"
#include "cli/answers.h"
#include "cli/verbs.h"

namespace maru::cli {
namespace {

std::string held_out_text(const Json& held_out) {
  if (!held_out["value"].is_number()) return "no text held out, bits per byte not known";
  std::string text = fmt::format("held-out {:.3f} bits per byte (perplexity {:.1f} per token)",
                                 held_out["value"].get<double>(), held_out["perplexity"].get<double>());
  for (const auto& item : held_out["baselines"].items())
    text += fmt::format("; {} {:.3f}", item.key(), item.value().get<double>());
  return text;
}

std::string task_text(const Json& task) {
  return fmt::format("{} accuracy {:.1f} % (95 %: {:.1f} to {:.1f}, {} samples)", task["name"].get<std::string>(),
                     100 * task["value"].get<double>(), 100 * task["low"].get<double>(),
                     100 * task["high"].get<double>(), task["samples"].get<int64_t>());
}

std::string text_of(const pipeline::Evaluation& evaluation) {
  const Json& result = evaluation.figures;
  std::vector<std::string> lines;
  if (const Json& bits = result["bits_per_byte"]; bits.contains("held_out"))
    lines.push_back(held_out_text(bits["held_out"]));
  for (const Json& task : result["tasks"]) lines.push_back(task_text(task));
  return fmt::format("eval         {}{}", fmt::join(lines, "\n             "),
                     evaluation.skipped ? " (unchanged)" : "");
}

// A task's recipe. Its file is looked for beside the recipe, so that the two can be kept together.
eval::ClassifyConfig read_task(const std::string& recipe, const std::string& file) {
  auto task = from_json<eval::ClassifyConfig>(read_yaml(recipe), recipe);
  if (!file.empty())
    task.file = fs::absolute(from_shell(file)).lexically_normal().string();
  else if (!task.file.empty())
    task.file = (fs::absolute(recipe).parent_path() / task.file).lexically_normal().string();
  if (task.file.empty() || !fs::exists(task.file))
    throw Failure(
        ErrorCode::kNotFound,
        fmt::format("{}: file: \"{}\" is not there; give the data with --task-file FILE, in lines of JSON with "
                    "\"{}\" and \"{}\"",
                    recipe, task.file, task.text_field, task.label_field));
  return task;
}

}  // namespace

void answer(const Session& session, const pipeline::Evaluation& evaluation) {
  session.answer(evaluation.figures, text_of(evaluation));
}

void add_eval(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("eval", "bits per byte, perplexity, task accuracy of a model");
  struct Options {
    RecipeArguments recipe;
    std::string model, adapter;
    std::vector<std::string> tasks, task_files;
  };
  auto options = std::make_shared<Options>();
  verb->add_option("model", options->model, "model by name, directory or GGUF file")->required();
  add_adapter_option(verb, options->adapter);
  verb->add_option("--task", options->tasks, "task recipe, e.g. recipes/eval/nsmc.yaml; may be given more than once")
      ->allow_extra_args(false);
  verb->add_option("--task-file", options->task_files, "data of the task, in place of the file that its recipe names")
      ->allow_extra_args(false);
  options->recipe.add_to(verb, describe_fields<pipeline::EvaluateConfig>());
  verb->callback([&session, options] {
    auto config = from_json<pipeline::EvaluateConfig>(options->recipe.read(), options->recipe.file);
    config.model = options->model;
    if (!options->adapter.empty()) config.adapter = options->adapter;
    if (!options->task_files.empty() && options->task_files.size() != options->tasks.size())
      throw Failure(ErrorCode::kInvalidArgument, fmt::format("--task-file: expected one for each --task, got {} for {}",
                                                             options->task_files.size(), options->tasks.size()));
    for (size_t i = 0; i < options->tasks.size(); ++i)
      config.tasks.push_back(read_task(options->tasks[i], options->task_files.empty() ? "" : options->task_files[i]));
    answer(session, pipeline::evaluate(session.workplace(), config));
  });
}

}  // namespace maru::cli
