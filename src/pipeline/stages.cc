#include "pipeline/stages.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/hash.h"
#include "base/json.h"
#include "base/request_failure.h"
#include "catalogue/adapter.h"
#include "ledger/name.h"
#include "pipeline/comparison.h"
#include "pipeline/curate.h"
#include "pipeline/evaluate.h"
#include "pipeline/export.h"
#include "pipeline/import.h"
#include "pipeline/merge.h"
#include "pipeline/quantize.h"
#include "pipeline/report.h"
#include "pipeline/tokenize.h"
#include "pipeline/tune.h"

namespace maru::pipeline {
namespace {

constexpr const char* kWhere = "config";
constexpr std::string_view kResults = "results";
constexpr int64_t kMiB = 1 << 20, kLittle = 512 * kMiB, kMuch = 1024 * kMiB;

/// As `maru data build` takes it.
struct CurateConfig : data::BuildConfig {
  std::string name;
  bool force = false;
  static constexpr auto fields() {
    using C = CurateConfig;
    return std::tuple_cat(std::tuple{field("name", &C::name, "of the dataset"),
                                     field("force", &C::force, "build it also when nothing has changed")},
                          BuildConfig::fields());
  }
};

/// As `maru data pack` takes it.
struct PackConfig : data::ChatPackConfig {
  std::string dataset, form, name, tokenizer;
  static constexpr auto fields() {
    using C = PackConfig;
    return std::tuple_cat(
        std::tuple{field("dataset", &C::dataset, "documents by name; or a form and inputs"),
                   field("form", &C::form, "of the lines of inputs").one_of("|chats|preferences|prompts|texts"),
                   field("name", &C::name, "of the dataset that inputs are made into"),
                   field("tokenizer", &C::tokenizer, "by name; a model is one too")},
        ChatPackConfig::fields());
  }
};

template <class T>
T read(const Json& config) {
  return from_json<T>(config, kWhere);
}

template <class T>
std::string fields_of() {
  return describe_fields<T>();
}

[[noreturn]] void lacks(const char* key, const char* expected) {
  throw Failure(ErrorCode::kInvalidArgument, fmt::format("{}: {}: expected {}", kWhere, key, expected));
}

/// Finds what a config names, and remembers it.
class Finder {
 public:
  Finder(const StagePlace& place, StagePlan& plan) : place_(place), plan_(plan) {}
  /// Nothing for an empty name.
  fs::path find(Kind kind, const std::string& name) {
    if (name.empty()) return {};
    const fs::path found = resolve(kind, name), manifest = found / ledger::kManifestName;
    if (fs::is_regular_file(manifest)) plan_.inputs.push_back({name, sha256_file(manifest)});
    return found;
  }
  /// A file or a dataset.
  void find_data(const std::string& name) { find(Kind::kDataset, name); }
  void find_adapter(const std::string& name) {
    if (!name.empty()) find(Kind::kAdapter, name);
  }

 private:
  fs::path resolve(Kind kind, const std::string& name) const {
    const fs::path path = name;
    const bool known = fs::exists(place_.home.folder(kind) / name / ledger::kManifestName);
    if (known || path.is_absolute() || !fs::exists(place_.directory / path)) return place_.home.find(kind, name);
    return place_.directory / path;
  }
  const StagePlace& place_;
  StagePlan& plan_;
};

std::string label(Kind kind, const std::string& name) { return fmt::format("{}/{}", folder_of(kind), name); }

/// Of weights as they lie on disk: what loading them takes, about.
int64_t weight_bytes(const fs::path& model) {
  std::error_code error;
  if (fs::is_regular_file(model, error)) return static_cast<int64_t>(fs::file_size(model, error));
  int64_t bytes = 0;
  for (fs::directory_iterator it(model, error), end; !error && it != end; it.increment(error)) {
    const fs::path extension = it->path().extension();
    if ((extension == ".safetensors" || extension == ".gguf") && fs::is_regular_file(it->path(), error))
      bytes += static_cast<int64_t>(fs::file_size(it->path(), error));
  }
  return bytes;
}

int64_t times(double factor, int64_t bytes) {
  return kLittle + static_cast<int64_t>(factor * static_cast<double>(bytes));
}

/// A new artefact's label: a name of the home, or a path as it is.
std::string output_label(const catalogue::Home& home, Kind kind, const std::string& out) {
  if (out.find('/') != std::string::npos) return out;
  home.place(kind, out);
  return label(kind, out);
}

// Masters, two moments and gradients in f32 beside weights in bf16: eight times what these take. An adapter's are few.
int64_t training_bytes(const train::TrainConfig& config, const fs::path& init_from) {
  if (init_from.empty()) return times(16, count_parameters(config.model));
  return times(config.lora ? 1.5 : 8, weight_bytes(init_from));
}

StagePlan plan_curate(const StagePlace& place, const Json& json) {
  const auto config = read<CurateConfig>(json);
  StagePlan plan{.memory_bytes = kMuch, .replaces = config.force};
  place.home.place(Kind::kDataset, config.name);
  for (const data::InputConfig& input : config.inputs)
    if (!fs::exists(place.directory / input.path))
      throw Failure(ErrorCode::kNotFound, fmt::format("{}: inputs: {} is not there", kWhere, input.path));
  plan.outputs = {label(Kind::kDataset, config.name)};
  return plan;
}

void run_curate(const Workplace& at, const Json& json, const fs::path&) {
  const auto config = read<CurateConfig>(json);
  curate(at, config.name, config, config.force);
}

StagePlan plan_tokenize(const StagePlace& place, const Json& json) {
  const auto config = read<TokenizeConfig>(json);
  if (config.inputs.empty()) lacks("inputs", "datasets or files");
  StagePlan plan{.memory_bytes = kMuch};
  place.home.place(Kind::kTokenizer, config.name);
  for (const std::string& input : config.inputs) Finder(place, plan).find_data(input);
  plan.outputs = {label(Kind::kTokenizer, config.name)};
  return plan;
}

void run_tokenize(const Workplace& at, const Json& json, const fs::path&) { tokenize(at, read<TokenizeConfig>(json)); }

StagePlan plan_pack(const StagePlace& place, const Json& json) {
  const auto config = read<PackConfig>(json);
  StagePlan plan{.memory_bytes = kLittle};
  Finder finder(place, plan);
  if (config.dataset.empty() == config.form.empty()) lacks("dataset", "a dataset, or a form and inputs");
  if (config.tokenizer.empty()) lacks("tokenizer", "a name");
  const fs::path tokenizer = finder.find(Kind::kTokenizer, config.tokenizer);
  const std::string& dataset = config.form.empty() ? config.dataset : config.name;
  if (config.form.empty())
    finder.find_data(dataset);
  else
    place.home.place(Kind::kDataset, dataset);
  for (const std::string& input : config.inputs) finder.find_data(input);
  plan.outputs = {fmt::format("{}/{}{}", label(Kind::kDataset, dataset), catalogue::kTokensPrefix,
                              catalogue::directory_name(tokenizer))};
  return plan;
}

void run_pack(const Workplace& at, const Json& json, const fs::path&) {
  const auto config = read<PackConfig>(json);
  if (config.form.empty())
    pack(at, config.dataset, config.tokenizer);
  else if (config.form == "chats")
    pack_chats(at, config.name, config.tokenizer, config, Replaced::kUnused);
  else if (config.form == "preferences")
    pack_preferences(at, config.name, config.tokenizer, config, Replaced::kUnused);
  else if (config.form == "prompts")
    pack_prompts(at, config.name, config.tokenizer, config, Replaced::kUnused);
  else
    pack_texts(at, config.name, config.tokenizer, config, Replaced::kUnused);
}

StagePlan plan_train(const StagePlace& place, const Json& json) {
  const train::TrainConfig config = read_train_recipe(json, kWhere);
  if (config.tokens.empty()) lacks("tokens", "packed tokens");
  if (config.tokenizer.empty()) lacks("tokenizer", "a name");
  StagePlan plan{.run = config.name};
  const Kind kind = train::makes_adapter(config) ? Kind::kAdapter : Kind::kModel;
  place.home.place(kind, config.name);
  Finder finder(place, plan);
  finder.find(Kind::kDataset, config.tokens);
  finder.find(Kind::kTokenizer, config.tokenizer);
  plan.memory_bytes = training_bytes(config, finder.find(Kind::kModel, config.init_from));
  plan.outputs = {label(kind, config.name), label(Kind::kRun, config.name)};
  return plan;
}

void run_train(const Workplace& at, const Json& json, const fs::path&) { train(at, read_train_recipe(json, kWhere)); }

StagePlan plan_tune(const StagePlace& place, const Json& json) {
  const TuneRecipe recipe = split_tune_recipe(json, kWhere);
  const auto keys = from_json<train::TrainConfig>(recipe.train, kWhere);
  const std::string& name = recipe.tune.name;
  if (name.empty()) lacks("name", "the name of what is made");
  if (recipe.tune.model.empty()) lacks("model", "the model to tune");
  if (recipe.tune.data.empty()) lacks("data", "JSONL files, or a dataset");
  StagePlan plan{.run = name};
  place.home.place(Kind::kModel, name);
  Finder finder(place, plan);
  const fs::path model = finder.find(Kind::kModel, recipe.tune.model);
  finder.find(Kind::kTokenizer, recipe.tune.tokenizer);
  for (const std::string& data : recipe.tune.data) finder.find_data(data);
  plan.memory_bytes = training_bytes(keys, model);
  // Vectors and scores are learnt by a model of its own, and it is the data that says what is learnt.
  const bool either = keys.lora && recipe.tune.method.empty();
  if (keys.lora) plan.outputs.push_back(label(Kind::kAdapter, name));
  if (!keys.lora || either || recipe.tune.method == "embed" || recipe.tune.method == "rank")
    plan.outputs.push_back(label(Kind::kModel, name));
  plan.outputs.push_back(label(Kind::kRun, name));
  return plan;
}

void run_tune(const Workplace& at, const Json& json, const fs::path&) {
  const TuneRecipe recipe = split_tune_recipe(json, kWhere);
  const TunePlan plan = plan_tuning(at, recipe.tune, recipe.train);
  train(at, plan.recipe);
  try {
    if (plan.answers && recipe.tune.samples > 0) compare_answers(at, plan.recipe, recipe.tune.samples);
    write_report(at, plan.recipe.name);
  } catch (const Failure& failure) {
    if (failure.code() == ErrorCode::kCancelled) throw;
    at.watch.warn(std::string("no report was written, all else is done: ") + failure.what());
  }
}

StagePlan plan_evaluate(const StagePlace& place, const Json& json) {
  const auto config = read<EvaluateConfig>(json);
  if (config.model.empty()) lacks("model", "the model to evaluate");
  StagePlan plan;
  Finder finder(place, plan);
  const fs::path model = finder.find(Kind::kModel, config.model);
  finder.find_adapter(config.adapter);
  finder.find_data(config.tokens);
  plan.memory_bytes = times(1.5, weight_bytes(model));
  std::string figures = fmt::format("{}/{}", label(Kind::kModel, config.model), catalogue::kEvaluation);
  if (!config.adapter.empty()) figures += "-" + catalogue::directory_name(config.adapter);
  plan.others = {std::move(figures)};
  return plan;
}

void run_evaluate(const Workplace& at, const Json& json, const fs::path&) { evaluate(at, read<EvaluateConfig>(json)); }

StagePlan plan_quantize(const StagePlace& place, const Json& json) {
  const auto config = read<QuantizeConfig>(json);
  if (config.model.empty()) lacks("model", "the model to quantize");
  StagePlan plan{.replaces = config.force};
  Finder finder(place, plan);
  plan.memory_bytes = times(3, weight_bytes(finder.find(Kind::kModel, config.model)));
  finder.find_data(config.calibrate);
  finder.find_data(config.text);
  plan.outputs = {output_label(place.home, Kind::kModel, config.out)};
  return plan;
}

void run_quantize(const Workplace& at, const Json& json, const fs::path&) { quantize(at, read<QuantizeConfig>(json)); }

StagePlan plan_merge(const StagePlace& place, const Json& json) {
  const auto config = read<MergeConfig>(json);
  if (config.model.empty()) lacks("model", "a model");
  if (config.adapter.empty()) lacks("adapter", "an adapter");
  StagePlan plan{.replaces = config.force};
  Finder finder(place, plan);
  plan.memory_bytes = times(2, weight_bytes(finder.find(Kind::kModel, config.model)));
  finder.find_adapter(config.adapter);
  finder.find_data(config.text);
  plan.outputs = {output_label(place.home, Kind::kModel, config.out)};
  return plan;
}

void run_merge(const Workplace& at, const Json& json, const fs::path&) { merge(at, read<MergeConfig>(json)); }

StagePlan plan_import(const StagePlace& place, const Json& json) {
  const auto config = read<ImportConfig>(json);
  const fs::path source = place.directory / config.source;
  if (config.source.empty() || !fs::exists(source)) lacks("source", "a directory or file that is there");
  StagePlan plan{.memory_bytes = times(1.2, weight_bytes(source)), .replaces = config.force};
  const Kind kind = catalogue::is_adapter(source) ? Kind::kAdapter : Kind::kModel;
  place.home.place(kind, config.name);
  plan.outputs = {label(kind, config.name)};
  return plan;
}

void run_import(const Workplace& at, const Json& json, const fs::path&) {
  import_weights(at, read<ImportConfig>(json));
}

StagePlan plan_export(const StagePlace& place, const Json& json) {
  const auto config = read<ExportConfig>(json);
  if (config.model.empty()) lacks("model", "the model to export");
  StagePlan plan{.replaces = config.force};
  plan.memory_bytes = times(2, weight_bytes(Finder(place, plan).find(Kind::kModel, config.model)));
  const bool named = config.out.find('/') == std::string::npos;
  if (named) ledger::check_name(kResults, config.out).value();
  plan.outputs = {named ? fmt::format("{}/{}", kResults, config.out) : config.out};
  return plan;
}

void run_export(const Workplace& at, const Json& json, const fs::path& results) {
  auto config = read<ExportConfig>(json);
  if (config.out.find('/') == std::string::npos) {
    fs::create_directories(results);
    config.out = (results / config.out).string();
  }
  export_model(at, config);
}

std::string tune_fields() { return describe_fields<TuneConfig>() + describe_fields<train::TrainConfig>(); }

constexpr Stage kStages[] = {
    {"curate", "files become a dataset: extracted, cleaned, filtered, deduplicated, redacted, split", false,
     plan_curate, run_curate, true, fields_of<CurateConfig>},
    {"tokenize", "a tokenizer is trained", false, plan_tokenize, run_tokenize, true, fields_of<TokenizeConfig>},
    {"pack", "a dataset, or lines to tune on, become tokens", false, plan_pack, run_pack, true, fields_of<PackConfig>},
    {"train", "a model is trained from a recipe", true, plan_train, run_train, true, fields_of<train::TrainConfig>},
    {"tune", "a model is tuned on examples, whole or as an adapter", true, plan_tune, run_tune, true, tune_fields},
    {"evaluate", "a model is measured", true, plan_evaluate, run_evaluate, true, fields_of<EvaluateConfig>},
    {"quantize", "a model's weights are rounded to 8 or 4 bits", true, plan_quantize, run_quantize, false,
     fields_of<QuantizeConfig>},
    {"merge", "an adapter's learning becomes part of a model", false, plan_merge, run_merge, false,
     fields_of<MergeConfig>},
    {"import", "a model or adapter from outside becomes one of the home", false, plan_import, run_import, false,
     fields_of<ImportConfig>},
    {"export", "a model is written for other programs", false, plan_export, run_export, false, fields_of<ExportConfig>},
};

}  // namespace

std::span<const Stage> stages() { return kStages; }

const Stage& stage_named(const std::string& name) {
  std::vector<std::string_view> known;
  for (const Stage& stage : kStages) {
    if (stage.name == name) return stage;
    known.push_back(stage.name);
  }
  const std::string near = nearest(name, known);
  refuse(fmt::format("expected one of: {}{}", fmt::join(known, ", "),
                     near.empty() ? "" : "; did you mean \"" + near + "\"?"),
         "stage");
}

fs::path place_of_output(const catalogue::Home& home, const std::string& label, const fs::path& job) {
  const fs::path path = label;
  if (path.is_absolute()) return path;
  return (label.starts_with(std::string(kResults) + "/") ? job : home.root()) / path;
}

StagePlan plan_stage(const Stage& stage, const StagePlace& place, const Json& config) {
  StagePlan plan = stage.plan(place, config);
  if (!plan.replaces)
    for (const std::string& output : plan.outputs)
      if (const fs::path path = place_of_output(place.home, output, {}); path.is_absolute() && fs::exists(path))
        throw RequestFailure(ErrorCode::kExists, output + ": exists; give another name", "config", "conflict");
  return plan;
}

}  // namespace maru::pipeline
