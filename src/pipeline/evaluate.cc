#include "pipeline/evaluate.h"

#include <fmt/format.h>

#include "base/byte_source.h"
#include "base/json.h"
#include "catalogue/adapter.h"
#include "catalogue/lineage.h"
#include "eval/compress.h"
#include "eval/figures.h"
#include "formats/token_dataset.h"
#include "ledger/artefact_writer.h"
#include "ledger/name.h"
#include "models/adapter.h"
#include "models/model_files.h"
#include "models/weights.h"
#include "pipeline/local_model.h"
#include "pipeline/origin.h"
#include "train/validate.h"

namespace maru::pipeline {
namespace {

/// The artefacts behind a model, found through the manifests.
struct Lineage {
  fs::path model, tokens, dataset, adapter;
};

Lineage lineage_of(const Workplace& at, const EvaluateConfig& config) {
  Lineage l{.model = at.home.find(Kind::kModel, config.model), .tokens = {}, .dataset = {}, .adapter = {}};
  l.adapter = catalogue::find_adapter(at.home, config.adapter).directory;
  l.tokens = config.tokens.empty() ? catalogue::tokens_behind(l.model) : at.home.find(Kind::kDataset, config.tokens);
  if (l.tokens.empty() && config.tasks.empty())
    throw Failure(ErrorCode::kInvalidArgument,
                  config.model +
                      ": the ledger names no tokens that it learnt from: there are no held-out documents of "
                      "its own; give tokens=DIRECTORY, or --task FILE for a task");
  if (!config.train_text.empty())
    l.dataset = at.home.find(Kind::kDataset, config.train_text);
  else if (!l.tokens.empty())
    l.dataset = catalogue::input_of(l.tokens, "dataset");
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

std::map<std::string, double> baselines_of(const Workplace& at, const fs::path& dataset) {
  const std::string train = texts_of(catalogue::split_file(dataset, "train")),
                    held_out = texts_of(catalogue::split_file(dataset, "held_out"));
  std::map<std::string, double> baselines;
  for (const eval::CompressionBaseline& b : eval::compression_baselines(train, held_out, {}, at.watch)) {
    baselines[b.name] = b.bits_per_byte;
    if (!b.note.empty()) at.watch.warn(b.name + ": " + b.note);
  }
  return baselines;
}

eval::BitsPerByte held_out_score(StepMemory& memory, Decoder& model, const EvaluateConfig& config,
                                 const Lineage& lineage, const Watch& watch) {
  const formats::TokenDataset held_out(lineage.tokens, "held_out");
  if (held_out.vocab_size() > model.config().vocab_size)
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("{}: holds tokens up to {}, the model knows {}: they are of another tokenizer",
                              lineage.tokens.string(), held_out.vocab_size(), model.config().vocab_size));
  const int64_t most = config.held_out_tokens > 0 ? config.held_out_tokens : held_out.num_tokens();
  const int64_t window = model.config().max_position_embeddings;
  const train::ValidationResult r =
      train::validate(memory, model, held_out, window, std::max<int64_t>(window, 4096), most, config.overlap);
  if (!r.has_text()) watch.warn(lineage.tokens.string() + ": no text is held out: bits per byte are not known");
  return {.value = r.bits_per_byte(),
          .bytes = r.bytes,
          .tokens = r.tokens,
          .perplexity = r.perplexity(),
          .overlap = config.overlap};
}

eval::TaskScore task_score(const eval::ClassifyResult& r) {
  return {.name = r.name,
          .value = static_cast<double>(r.correct) / static_cast<double>(r.samples),
          .low = r.accuracy.low,
          .high = r.accuracy.high,
          .samples = r.samples,
          .chance = r.chance};
}

std::vector<eval::TextSample> samples_of(const Workplace& at, const EvaluateConfig& config, const Lineage& lineage) {
  std::vector<eval::TextSample> samples;
  if (config.prompts.empty()) return samples;
  LocalModel model(at, config.model, lineage.adapter);
  for (const std::string& prompt : config.prompts) {
    std::vector<int32_t> tokens =
        model.tokenizer().encode(prompt, {.add_special_tokens = true, .parse_special = false});
    const infer::GenerationResult answer = model.generate(std::move(tokens), {.temperature = 0, .max_tokens = 48});
    at.watch.throw_if_cancelled();  // half an answer is no sample
    samples.push_back({prompt, answer.text});
  }
  return samples;
}

eval::Figures figures_of(const Workplace& at, const EvaluateConfig& config, const Lineage& lineage) {
  const auto model = load_model(lineage.model);
  place(at.machine.device(), *model);
  StepMemory memory(at.machine.device());
  std::optional<Adapter> adapter;
  warn_of_another_base(at, lineage.adapter, {lineage.model});
  if (!lineage.adapter.empty())
    memory.adapters = &adapter.emplace(at.machine.device(), *model, lineage.adapter).everywhere();
  eval::Figures result;
  if (!lineage.tokens.empty()) {
    eval::BitsPerByte score = held_out_score(memory, *model, config, lineage, at.watch);
    if (score.value && config.baselines && !lineage.dataset.empty())
      score.baselines = baselines_of(at, lineage.dataset);
    result.bits_per_byte["held_out"] = std::move(score);
  }
  const text::Tokenizer tokenizer = infer::load_text(lineage.model).tokenizer;
  for (const eval::ClassifyConfig& task : config.tasks) {
    const eval::ClassifyResult row = eval::classify(memory, *model, tokenizer, task, at.watch);
    if (!row.note.empty()) at.watch.warn(row.name + ": " + row.note);
    result.tasks.push_back(task_score(row));
  }
  result.samples = samples_of(at, config, lineage);
  return result;
}

// With an adapter it is another model's: it does not take the place of the model's own.
std::string evaluation_name(const Lineage& lineage) {
  if (lineage.adapter.empty()) return std::string(catalogue::kEvaluation);
  const std::string adapter = catalogue::directory_name(lineage.adapter);
  ledger::check_name(folder_of(Kind::kAdapter), adapter).value();
  return std::string(catalogue::kEvaluation) + "-" + adapter;
}

void add_adapter(ledger::Manifest& manifest, const Lineage& lineage, const ledger::Place& place) {
  if (lineage.adapter.empty()) return;
  if (fs::exists(lineage.adapter / ledger::kManifestName))
    return manifest.inputs.push_back(ledger::artefact_input("adapter", lineage.adapter, place));
  for (const char* file : {catalogue::kAdapterConfig, catalogue::kAdapterWeights})
    manifest.inputs.push_back(ledger::raw_input("adapter", lineage.adapter / file, place));
}

ledger::Manifest manifest_of(const Workplace& at, const EvaluateConfig& config, const Lineage& lineage,
                             const fs::path& output) {
  const ledger::Place place{output, at.home.root()};
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

Evaluation evaluate(const Workplace& at, const EvaluateConfig& config) {
  const Lineage lineage = lineage_of(at, config);
  if (!fs::exists(lineage.model / ledger::kManifestName)) {  // somebody else's directory, where nothing is written
    Evaluation evaluation{to_json(figures_of(at, config, lineage))};
    at.watch.inform(
        fmt::format("the result is not kept: {} is no artefact (maru import makes it one)", lineage.model.string()));
    return evaluation;
  }
  const fs::path output = lineage.model / evaluation_name(lineage);
  ledger::Manifest manifest = manifest_of(at, config, lineage, output);
  const std::string key = ledger::stage_key(manifest.kind, manifest.recipe, manifest.inputs);
  if (ledger::is_current(output, key)) return {read_json(catalogue::evaluation_file(output)), true};
  ledger::ArtefactWriter writer(output);
  Evaluation evaluation{to_json(figures_of(at, config, lineage))};
  write_json(catalogue::evaluation_file(writer.directory()), evaluation.figures);
  writer.commit(std::move(manifest));
  return evaluation;
}

}  // namespace maru::pipeline
