#include "pipeline/tune.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/json.h"
#include "catalogue/lineage.h"
#include "data/tuning_form.h"
#include "formats/token_dataset.h"
#include "models/sentence_encoder.h"
#include "models/weight_source.h"

namespace maru::pipeline {
namespace {

constexpr JsonRange kTokens{2, 1 << 24};  // as train::TrainConfig has it
constexpr int64_t kLongest = 4096, kMicroBatch = 4096, kBatch = 8192;

/// What `maru tune` calls a method, and what it begins with.
struct TuneMethod {
  std::string_view name, trained_as;
  data::TuningForm form;
  double lr, epochs;  // of a model with 10⁹ parameters
  int64_t sequences;  // that a micro-batch must hold
  int64_t micro_batch;
  PackedTokens (*pack)(const Workplace&, const std::string&, const std::string&, const data::ChatPackConfig&, Replaced);
};
constexpr TuneMethod kMethods[] = {
    {"sft", "", data::TuningForm::kChats, 2e-5, 3, 1, kMicroBatch, pack_chats},
    {"distill", "distill", data::TuningForm::kChats, 2e-5, 3, 1, kMicroBatch, pack_chats},
    {"dpo", "dpo", data::TuningForm::kPreferences, 1e-6, 1, 2, kMicroBatch, pack_preferences},
    {"orpo", "orpo", data::TuningForm::kPreferences, 1e-6, 1, 2, kMicroBatch, pack_preferences},
    {"cpo", "cpo", data::TuningForm::kPreferences, 1e-6, 1, 2, kMicroBatch, pack_preferences},
    {"reward", "reward", data::TuningForm::kPreferences, 1e-5, 1, 2, kMicroBatch, pack_preferences},
    {"kto", "kto", data::TuningForm::kLabelled, 1e-6, 1, 2, kMicroBatch, pack_preferences},
    {"grpo", "grpo", data::TuningForm::kPrompts, 1e-6, 1, 1, kMicroBatch, pack_prompts},
    {"embed", "embed", data::TuningForm::kTexts, 2e-5, 3, 4, kBatch, pack_texts},  // as many negatives as may be
    {"rank", "rank", data::TuningForm::kTexts, 1e-5, 3, 2, kMicroBatch, pack_texts},
};

const TuneMethod& method_named(const std::string& name) {
  for (const TuneMethod& method : kMethods)
    if (method.name == name) return method;
  throw Failure(ErrorCode::kInvalidArgument, "recipe: method: unknown: " + name);
}

// The first of those that learn from it, unless one is asked for.
const TuneMethod& method_for(const TuneConfig& config, data::TuningForm form) {
  if (config.method.empty())
    return *std::find_if(std::begin(kMethods), std::end(kMethods), [&](const auto& m) { return m.form == form; });
  const TuneMethod& method = method_named(config.method);
  if (method.form != form)
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("{}: holds {}, method={} learns from {}", config.data[0], data::words_of(form),
                              method.name, data::words_of(method.form)));
  return method;
}

/// Of a model: what its files say.
struct Base {
  fs::path directory;
  int64_t parameters = 0, max_tokens = 0;
  std::string name, tokenizer;
};

Base base_of(const Workplace& at, const TuneConfig& config) {
  if (config.model.empty()) throw Failure(ErrorCode::kInvalidArgument, "recipe: model: expected the model to tune");
  Base base;
  base.directory = at.home.find(Kind::kModel, config.model);
  const StoredConfig stored = read_stored_config(base.directory);
  if (is_encoder_config(stored.json)) {
    base.parameters = count_parameters(encoder_config_from_hugging_face(stored.json, stored.name));
    base.max_tokens = SentenceEncoder::load(base.directory).max_tokens();
  } else {
    const DecoderConfig decoder = config_from_hugging_face(stored.json, stored.name);
    base.parameters = count_parameters(decoder), base.max_tokens = decoder.max_position_embeddings;
  }
  base.name = catalogue::directory_name(base.directory);
  base.tokenizer = config.tokenizer.empty() ? catalogue::tokenizer_of(base.directory).string() : config.tokenizer;
  return base;
}

/// An artefact of the home that `data` names: packed tokens, or documents; nothing: they are files.
std::optional<fs::path> dataset_named(const Workplace& at, const TuneConfig& config) {
  if (config.data.size() != 1) return std::nullopt;
  const fs::path path = config.data[0];
  if (fs::exists(path / ledger::kManifestName)) return path;
  if (fs::exists(path)) return std::nullopt;
  return at.home.find(Kind::kDataset, config.data[0]);
}

std::string name_for(const TuneConfig& config, const Base& base, std::string_view method) {
  return config.name.empty() ? fmt::format("{}-{}", base.name, method) : config.name;
}

// Packed before, or documents that are packed now. How tokens were packed says which method is theirs.
TunePlan take_dataset(const Workplace& at, const TuneConfig& config, const Base& base, const fs::path& dataset) {
  const ledger::Manifest manifest = ledger::read_manifest(dataset);
  if (manifest.kind == "dataset") {
    if (!config.method.empty() && method_named(config.method).form != data::TuningForm::kChats)
      throw Failure(
          ErrorCode::kInvalidArgument,
          fmt::format("{}: holds documents, which method=sft and method=distill learn from", dataset.string()));
    return {config.method.empty() ? "sft" : config.method, pack(at, dataset.string(), base.tokenizer), {}};
  }
  const auto holds = [&](const char* what) { return manifest.notes.is_object() && manifest.notes.contains(what); };
  const TuneMethod& method = method_for(config, holds("pairs")      ? data::TuningForm::kPreferences
                                                : holds("labelled") ? data::TuningForm::kLabelled
                                                : holds("prompts")  ? data::TuningForm::kPrompts
                                                : holds("texts")    ? data::TuningForm::kTexts
                                                                    : data::TuningForm::kChats);
  return {std::string(method.name), {dataset, {.skipped = true}}, {}};
}

TunePlan pack_files(const Workplace& at, const TuneConfig& config, const Base& base) {
  if (config.data.empty())
    throw Failure(ErrorCode::kInvalidArgument, "recipe: data: expected JSONL files or a dataset");
  const TuneMethod& method = method_for(config, data::form_of_files(config.data));
  const data::ChatPackConfig pack{.inputs = config.data,
                                  .weights = config.weights,
                                  .held_out = config.held_out,
                                  .highest_score = config.highest_score};
  return {std::string(method.name),
          method.pack(at, name_for(config, base, method.name), base.tokenizer, pack, Replaced::kUnused),
          {}};
}

bool has(const Json& recipe, const char* pointer) { return recipe.contains(Json::json_pointer(pointer)); }

int64_t longest_example(const fs::path& tokens) {
  int64_t longest = 0;
  for (const char* split : {"train", "held_out"}) {
    const formats::TokenDataset dataset(tokens, split);
    for (int64_t i = 0; i < dataset.num_documents(); ++i)
      longest = std::max(longest, dataset.begin_of(i + 1) - dataset.begin_of(i));
  }
  return longest;
}

// Prompts need room for the answers that the model will give, texts for what the tokenizer puts around them.
int64_t room_beside(const TuneMethod& method, const Json& recipe) {
  if (method.name == "distill" && JsonNode(recipe, "recipe")["distill"]["on_policy"].number(0) > 0)
    return JsonNode(recipe, "recipe")["distill"]["max_completion_length"].integer(
        train::DistillConfig::kMaxCompletionLength, kTokens);
  if (method.form == data::TuningForm::kTexts) return 4;
  if (method.form != data::TuningForm::kPrompts) return 0;
  return JsonNode(recipe, "recipe")["group_policy"]["max_completion_length"].integer(
      train::GroupPolicyConfig{}.max_completion_length, kTokens);
}

int64_t sequence_length(const fs::path& tokens, int64_t most, int64_t room) {
  const int64_t whole = (std::max<int64_t>(2, longest_example(tokens) + room) + 63) / 64 * 64;
  return std::min({whole, most, kLongest});
}

double learning_rate(const TuneMethod& method, const Base& base, bool adapter) {
  const double rate = method.lr * std::sqrt(1e9 / static_cast<double>(base.parameters));
  return adapter ? std::min(2e-3, 10 * rate) : std::min(1e-3, rate);
}

// As few digits as say it: 2.4e-4.
double rounded(double rate) { return std::stod(fmt::format("{:.1e}", rate)); }

Json defaults_of(const TuneMethod& method, const Base& base, const Json& recipe, const fs::path& tokens) {
  const JsonNode asked(recipe, "recipe");
  const JsonNode wanted = asked["sequence_length"];
  const int64_t length = wanted.is_null() ? sequence_length(tokens, base.max_tokens, room_beside(method, recipe))
                                          : wanted.integer(kTokens);
  const int64_t micro = std::max(method.micro_batch, method.sequences * length);
  const int64_t taken = asked["micro_batch_tokens"].integer(micro, kTokens);
  const bool adapter = has(recipe, "/lora") && !recipe["lora"].is_null();
  Json json{{"sequence_length", length},
            {"micro_batch_tokens", micro},
            {"batch_tokens", std::max<int64_t>(1, kBatch / taken) * taken},
            {"optimizer", {{"lr", rounded(learning_rate(method, base, adapter))}, {"weight_decay", 0}}},
            {"schedule", {{"final_ratio", 0}}},
            {"validation", {{"keep_best", true}}}};
  if (!has(recipe, "/steps") && !has(recipe, "/minutes")) json["epochs"] = method.epochs;
  if (!method.trained_as.empty()) json["method"] = method.trained_as;
  return json;
}

void refuse_settled_keys(const Json& recipe) {
  for (const char* key : {"tokens", "init_from"})
    if (recipe.contains(key))
      throw Failure(ErrorCode::kInvalidArgument,
                    fmt::format("recipe: {}: is of `maru train`; `maru tune` takes model= and data=", key));
}

}  // namespace

TuneRecipe split_tune_recipe(const Json& recipe, const std::string& where) {
  Json tune = Json::object();
  TuneRecipe halves{.tune = {}, .train = Json::object()};
  const Json keys = to_json(TuneConfig{});
  for (const auto& item : recipe.items()) (keys.contains(item.key()) ? tune : halves.train)[item.key()] = item.value();
  if (tune.contains("data") && tune["data"].is_string()) tune["data"] = Json::array({tune["data"]});
  halves.tune = from_json<TuneConfig>(tune, where);
  return halves;
}

TunePlan plan_tuning(const Workplace& at, const TuneConfig& config, const Json& recipe) {
  refuse_settled_keys(recipe);
  const Base base = base_of(at, config);
  const std::optional<fs::path> dataset = dataset_named(at, config);
  TunePlan plan = dataset ? take_dataset(at, config, base, *dataset) : pack_files(at, config, base);
  const TuneMethod& method = method_named(plan.method);
  Json json = defaults_of(method, base, recipe, plan.tokens.directory);
  if (!recipe.is_null()) json.merge_patch(recipe);
  plan.recipe = from_json<train::TrainConfig>(json, "recipe");
  plan.answers = method.name != "reward" && method.form != data::TuningForm::kTexts;
  plan.recipe.name = name_for(config, base, method.name);
  plan.recipe.tokens = plan.tokens.directory.string();
  plan.recipe.tokenizer = base.tokenizer;
  plan.recipe.init_from = base.directory.string();
  return plan;
}

}  // namespace maru::pipeline
