// maru eval: bits per byte beside what compressors reach, classification, samples.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/byte_source.h"
#include "base/progress.h"
#include "cli/adapter.h"
#include "cli/foreign.h"
#include "cli/lineage.h"
#include "cli/local_model.h"
#include "cli/stages.h"
#include "cli/verbs.h"
#include "eval/compress.h"
#include "ledger/artefact_writer.h"
#include "ledger/name.h"
#include "models/adapter.h"
#include "models/model_files.h"
#include "models/weights.h"
#include "train/validate.h"

namespace maru::cli {
namespace {

/// The artefacts behind a model, found through the manifests.
struct Lineage {
  fs::path model, tokens, dataset, adapter;
};

Lineage lineage_of(const Session& session, const EvalConfig& config) {
  Lineage l{.model = session.find("models", config.model), .tokens = {}, .dataset = {}, .adapter = {}};
  l.adapter = find_adapter(session, config.adapter).directory;
  l.tokens = config.tokens.empty() ? tokens_behind(l.model) : session.find("datasets", config.tokens);
  if (l.tokens.empty() && config.tasks.empty())
    throw Failure(ErrorCode::kInvalidArgument,
                  config.model +
                      ": the ledger names no tokens that it learnt from: there are no held-out documents of "
                      "its own; give tokens=DIRECTORY, or --task FILE for a task");
  if (!config.train_text.empty())
    l.dataset = session.find("datasets", config.train_text);
  else if (!l.tokens.empty())
    l.dataset = input_of(l.tokens, "dataset");
  return l;
}

std::string texts_of(const fs::path& file) {
  std::string all;
  LineReader lines(file);
  while (const auto line = lines.next()) {
    const Json row = parse_json(*line, fmt::format("{}:{}", file.string(), lines.line_number())).value();
    all += row.at("text").get<std::string>() + "\n";
  }
  return all;
}

Json baselines_of(const Session& session, const fs::path& dataset) {
  const std::string train = texts_of(dataset / "train.jsonl.zst"), held_out = texts_of(dataset / "held_out.jsonl.zst");
  Json baselines = Json::object();
  for (const eval::CompressionBaseline& b : eval::compression_baselines(train, held_out, {.quiet = session.quiet})) {
    baselines[b.name] = b.bits_per_byte;
    if (!b.note.empty()) spdlog::warn("{}: {}", b.name, b.note);
  }
  return baselines;
}

Json held_out_score(Session& session, Decoder& model, const EvalConfig& config, const Lineage& lineage) {
  const formats::TokenDataset held_out(lineage.tokens, "held_out");
  if (held_out.vocab_size() > model.config().vocab_size)
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("{}: holds tokens up to {}, the model knows {}: they are of another tokenizer",
                              lineage.tokens.string(), held_out.vocab_size(), model.config().vocab_size));
  StepMemory memory(session.stream());
  const int64_t most = config.held_out_tokens > 0 ? config.held_out_tokens : held_out.num_tokens();
  const int64_t window = model.config().max_position_embeddings;
  const train::ValidationResult r =
      train::validate(memory, model, held_out, window, std::max<int64_t>(window, 4096), most, config.overlap);
  if (!r.has_text()) spdlog::warn("{}: no text is held out: bits per byte are not known", lineage.tokens.string());
  using train::number_or_null;
  return {{"value", number_or_null(r.bits_per_byte())},   {"bytes", r.bytes},          {"tokens", r.tokens},
          {"perplexity", number_or_null(r.perplexity())}, {"overlap", config.overlap}, {"baselines", Json::object()}};
}

Json task_row(const eval::ClassifyResult& r) {
  return {{"name", r.name},
          {"metric", "accuracy"},
          {"value", static_cast<double>(r.correct) / static_cast<double>(r.samples)},
          {"low", r.accuracy.low},
          {"high", r.accuracy.high},
          {"samples", r.samples},
          {"chance", r.chance}};
}

Json samples_of(Session& session, const EvalConfig& config, const Lineage& lineage) {
  Json samples = Json::array();
  if (config.prompts.empty()) return samples;
  LocalModel model(session, config.model, lineage.adapter);
  for (const std::string& prompt : config.prompts) {
    std::vector<int32_t> tokens =
        model.tokenizer().encode(prompt, {.add_special_tokens = true, .parse_special = false});
    const infer::GenerationResult answer = model.generate(std::move(tokens), {.temperature = 0, .max_tokens = 48});
    samples.push_back({{"prompt", prompt}, {"completion", answer.text}});
  }
  return samples;
}

Json evaluate(Session& session, const EvalConfig& config, const Lineage& lineage) {
  const auto model = load_model(lineage.model);
  const auto adapter = lineage.adapter.empty() ? nullptr : attach_adapter(session.stream(), *model, lineage.adapter);
  Json result{{"bits_per_byte", Json::object()}, {"tasks", Json::array()}};
  if (!lineage.tokens.empty()) result["bits_per_byte"]["held_out"] = held_out_score(session, *model, config, lineage);
  const bool scored = result.value("/bits_per_byte/held_out/value"_json_pointer, Json()).is_number();
  if (scored && config.baselines && !lineage.dataset.empty())
    result["bits_per_byte"]["held_out"]["baselines"] = baselines_of(session, lineage.dataset);
  const text::Tokenizer tokenizer = infer::load_text(lineage.model).tokenizer;
  StepMemory memory(session.stream());
  for (const eval::ClassifyConfig& task : config.tasks) {
    const eval::ClassifyResult row = eval::classify(memory, *model, tokenizer, task, session.quiet);
    if (!row.note.empty()) spdlog::warn("{}: {}", row.name, row.note);
    result["tasks"].push_back(task_row(row));
  }
  result["samples"] = samples_of(session, config, lineage);
  return result;
}

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

std::string text_of(const Json& result, bool skipped) {
  std::vector<std::string> lines;
  if (const Json& bits = result["bits_per_byte"]; bits.contains("held_out"))
    lines.push_back(held_out_text(bits["held_out"]));
  for (const Json& task : result["tasks"]) lines.push_back(task_text(task));
  return fmt::format("eval         {}{}", fmt::join(lines, "\n             "), skipped ? " (unchanged)" : "");
}

// With an adapter it is another model's: it does not take the place of the model's own.
std::string evaluation_name(const Lineage& lineage) {
  if (lineage.adapter.empty()) return "evaluation";
  const std::string adapter = directory_name(lineage.adapter);
  ledger::check_name("adapters", adapter).value();
  return "evaluation-" + adapter;
}

void add_adapter(ledger::Manifest& manifest, const Lineage& lineage, const ledger::Place& place) {
  if (lineage.adapter.empty()) return;
  if (fs::exists(lineage.adapter / ledger::kManifestName))
    return manifest.inputs.push_back(ledger::artefact_input("adapter", lineage.adapter, place));
  for (const char* file : {"adapter_config.json", "adapter_model.safetensors"})
    manifest.inputs.push_back(ledger::raw_input("adapter", lineage.adapter / file, place));
}

ledger::Manifest manifest_of(const Session& session, const EvalConfig& config, const Lineage& lineage,
                             const fs::path& output) {
  const ledger::Place place{output, session.home};
  ledger::Manifest manifest;
  manifest.kind = "evaluation";
  manifest.name = config.model;
  manifest.recipe = to_json(config);
  manifest.inputs.push_back(ledger::artefact_input("model", lineage.model, place));
  if (!lineage.tokens.empty()) manifest.inputs.push_back(ledger::artefact_input("tokens", lineage.tokens, place));
  add_adapter(manifest, lineage, place);
  for (const eval::ClassifyConfig& task : config.tasks)
    manifest.inputs.push_back(ledger::raw_input("task", task.file, place));
  return manifest;
}

}  // namespace

StageResult evaluate_model(Session& session, const EvalConfig& config) {
  const Lineage lineage = lineage_of(session, config);
  if (!fs::exists(lineage.model / ledger::kManifestName)) {  // somebody else's directory, where nothing is written
    const Json result = evaluate(session, config, lineage);
    spdlog::info("the result is not kept: {} is no artefact (maru import makes it one)", lineage.model.string());
    return {.text = text_of(result, false), .json = result, .skipped = false};
  }
  const fs::path output = lineage.model / evaluation_name(lineage);
  ledger::Manifest manifest = manifest_of(session, config, lineage, output);
  const std::string key = ledger::stage_key(manifest.kind, manifest.recipe, manifest.inputs);
  if (ledger::is_current(output, key)) {
    const Json result = read_json(output / "evaluation.json");
    return {.text = text_of(result, true), .json = result, .skipped = true};
  }
  ledger::ArtefactWriter writer(output);
  const Json result = evaluate(session, config, lineage);
  write_json(writer.directory() / "evaluation.json", result);
  writer.commit(std::move(manifest));
  return {.text = text_of(result, false), .json = result, .skipped = false};
}

namespace {

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
  options->recipe.add_to(verb, describe_fields<EvalConfig>());
  verb->callback([&session, options] {
    auto config = from_json<EvalConfig>(options->recipe.read(), options->recipe.file);
    config.model = options->model;
    if (!options->adapter.empty()) config.adapter = options->adapter;
    if (!options->task_files.empty() && options->task_files.size() != options->tasks.size())
      throw Failure(ErrorCode::kInvalidArgument, fmt::format("--task-file: expected one for each --task, got {} for {}",
                                                             options->task_files.size(), options->tasks.size()));
    for (size_t i = 0; i < options->tasks.size(); ++i)
      config.tasks.push_back(read_task(options->tasks[i], options->task_files.empty() ? "" : options->task_files[i]));
    const StageResult result = evaluate_model(session, config);
    session.answer(result.json, result.text);
  });
}

}  // namespace maru::cli
