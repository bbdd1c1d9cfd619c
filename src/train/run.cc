#include "train/run.h"

#include <fmt/format.h>

#include <chrono>

#include "base/hash.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "base/progress.h"
#include "ledger/artefact_writer.h"
#include "models/checkpoint.h"
#include "models/weights.h"
#include "train/checkpoint.h"
#include "train/trainer.h"
#include "train/validate.h"

namespace maru::train {
namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Fields that say how long or how often, not what: a resumed run may change them.
constexpr std::array<std::string_view, 2> kFreeToChange{"validation", "checkpoint"};

std::string first_difference(const Json& a, const Json& b, const std::string& path) {
  for (const auto& item : a.items()) {
    const std::string at = path + item.key();
    if (!b.contains(item.key())) return at;
    if (item.value().is_object()) {
      if (std::string inner = first_difference(item.value(), b[item.key()], at + "."); !inner.empty()) return inner;
    } else if (item.value() != b[item.key()]) {
      return at;
    }
  }
  return "";
}

// The recipe of a run is written once; going on with another one would make a model that no recipe describes.
void check_recipe(const fs::path& file, Json recipe) {
  if (!fs::exists(file)) return write_json(file, recipe);
  Json saved = read_json(file);
  for (std::string_view free : kFreeToChange) {
    recipe.erase(std::string(free));
    saved.erase(std::string(free));
  }
  const std::string difference = first_difference(recipe, saved, "");
  if (!difference.empty())
    throw Failure(
        ErrorCode::kInvalidArgument,
        fmt::format("{}: this run was started with another {}; give the new run another name or remove the directory",
                    file.parent_path().string(), difference));
}

/// One run in progress. The order of members is the order of construction.
class Run {
 public:
  Run(const TrainConfig& config, const RunOptions& options, Stream& stream);
  RunSummary execute();

 private:
  ledger::Manifest manifest(const fs::path& directory, std::string kind) const;
  void start_or_resume();
  int64_t total_steps();
  double seconds_per_step();
  void load_batches();
  void run_step(MetricsWriter& metrics, Progress& progress);
  bool validation_due() const;
  void run_validation(MetricsWriter& metrics);
  bool checkpoint_due() const;
  void save();
  void export_model();

  TrainConfig config_;
  RunOptions options_;
  Stream& stream_;
  formats::TokenDataset train_set_, held_out_;
  std::unique_ptr<Decoder> model_;
  std::unique_ptr<Trainer> trainer_;
  std::unique_ptr<Loader> loader_;
  std::vector<MicroBatch> batches_;
  RunState state_;
  RunSummary summary_;
  Clock::time_point last_save_ = Clock::now();
  double flops_per_token_ = 0;
};

std::unique_ptr<Decoder> make_model(const TrainConfig& config) {
  auto model = std::make_unique<Decoder>(config.model, parse_dtype(config.dtype));
  allocate_values(*model);
  allocate_gradients(*model);
  if (config.init_from.empty()) {
    initialise(*model, static_cast<uint64_t>(config.seed));
  } else {
    parameters_of(*model);  // names
    load_values(*model, config.init_from);
  }
  return model;
}

Run::Run(const TrainConfig& config, const RunOptions& options, Stream& stream)
    : config_(config),
      options_(options),
      stream_(stream),
      train_set_(config.tokens, "train"),
      held_out_(config.tokens, "held_out"),
      model_(make_model(config)),
      batches_(static_cast<size_t>(config.batch_tokens / config.micro_batch_tokens)) {
  if (train_set_.vocab_size() > config.model.vocab_size)
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("{}: holds tokens up to {}, model.vocab_size is {}", config.tokens,
                              train_set_.vocab_size(), config.model.vocab_size));
  trainer_ = std::make_unique<Trainer>(*model_, config, stream);
  summary_.parameters = count_parameters(config.model);
  const double mean_context = static_cast<double>(
      std::min(config.sequence_length, train_set_.num_tokens() / std::max<int64_t>(1, train_set_.num_documents())));
  flops_per_token_ = training_flops_per_token(config.model, mean_context);
}

ledger::Manifest Run::manifest(const fs::path& directory, std::string kind) const {
  const ledger::Place place{directory, options_.home};
  ledger::Manifest m;
  m.kind = std::move(kind);
  m.name = config_.name;
  m.seed = static_cast<uint64_t>(config_.seed);
  m.recipe = to_json(config_);
  m.inputs.push_back(ledger::artefact_input("tokens", config_.tokens, place));
  if (!config_.tokenizer.empty()) m.inputs.push_back(ledger::artefact_input("tokenizer", config_.tokenizer, place));
  if (!config_.init_from.empty()) m.inputs.push_back(ledger::artefact_input("model", config_.init_from, place));
  return m;
}

void Run::load_batches() {
  for (MicroBatch& batch : batches_) loader_->next(batch, config_.micro_batch_tokens);
}

double Run::seconds_per_step() {
  Loader sample(train_set_, config_.sequence_length, static_cast<uint64_t>(config_.seed));
  MicroBatch batch;
  double best = 1e30;
  for (int i = 0; i < 4; ++i) {
    sample.next(batch, config_.micro_batch_tokens);
    const auto start = Clock::now();
    trainer_->rehearse(batch);
    if (i > 0) best = std::min(best, since(start));
  }
  return best * static_cast<double>(batches_.size());
}

int64_t Run::total_steps() {
  if (config_.steps > 0) return config_.steps;
  if (config_.epochs > 0)
    return std::max<int64_t>(1, static_cast<int64_t>(config_.epochs * static_cast<double>(train_set_.num_tokens()) /
                                                     static_cast<double>(config_.batch_tokens)));
  // A twentieth of the budget is for the optimiser, validation and checkpoints.
  return std::max<int64_t>(1, static_cast<int64_t>(config_.minutes * 60 * 0.95 / seconds_per_step()));
}

void Run::start_or_resume() {
  fs::create_directories(options_.run);
  check_recipe(options_.run / "recipe.json", to_json(config_));
  const std::vector<fs::path> checkpoints = list_checkpoints(options_.run);
  if (!checkpoints.empty()) {
    state_ = load_checkpoint(checkpoints.back(), *model_, trainer_->optimizer());
    summary_.resumed = true;
  } else if (const fs::path plan = options_.run / "plan.json"; fs::exists(plan)) {
    state_ = from_json<RunState>(read_json(plan), plan.string());
  } else {
    state_.steps = total_steps();  // measured once: a resumed run must not measure again
    write_json(plan, to_json(state_));
  }
  loader_ =
      std::make_unique<Loader>(train_set_, config_.sequence_length, static_cast<uint64_t>(config_.seed), state_.loader);
}

void Run::run_step(MetricsWriter& metrics, Progress& progress) {
  const auto start = Clock::now();
  load_batches();
  const StepResult result = trainer_->step(batches_, state_.step + 1, state_.steps);
  const double seconds = since(start), rate = static_cast<double>(result.tokens) / seconds;
  state_ = {.step = state_.step + 1,
            .steps = state_.steps,
            .tokens = state_.tokens + result.tokens,
            .loader = loader_->state(),
            .seconds = state_.seconds + seconds};
  const double mfu = options_.ceiling_flops > 0 ? rate * flops_per_token_ / options_.ceiling_flops : 0;
  const double lr = config_.optimizer.lr * schedule_factor(config_.schedule, state_.step - 1, state_.steps);
  metrics.write(TrainingRow{.step = state_.step,
                            .tokens = state_.tokens,
                            .loss = result.loss,
                            .lr = lr,
                            .gradient_norm = result.gradient_norm,
                            .tokens_per_second = rate,
                            .mfu = mfu,
                            .seconds = state_.seconds});
  summary_.loss = result.loss;
  progress.note(fmt::format("loss {:.3f}  {} tok/s  MFU {:.0f} %", result.loss, short_count(rate), 100 * mfu));
  progress.update(static_cast<uint64_t>(state_.step));
}

bool Run::validation_due() const {
  const int64_t every =
      config_.validation.every_steps > 0 ? config_.validation.every_steps : std::max<int64_t>(1, state_.steps / 10);
  return state_.step % every == 0 || state_.step == state_.steps;
}

void Run::run_validation(MetricsWriter& metrics) {
  Context ctx = trainer_->context();
  const ValidationResult result =
      validate(ctx, *model_, held_out_, config_.sequence_length, config_.micro_batch_tokens, config_.validation.tokens);
  summary_.validation_bits_per_byte = result.bits_per_byte();
  metrics.write(ValidationRow{
      .step = state_.step, .tokens = state_.tokens, .loss = result.loss(), .bits_per_byte = result.bits_per_byte()});
}

bool Run::checkpoint_due() const {
  if (state_.step == state_.steps) return true;
  if (config_.checkpoint.every_steps > 0 && state_.step % config_.checkpoint.every_steps == 0) return true;
  return config_.checkpoint.every_minutes > 0 && since(last_save_) > 60 * config_.checkpoint.every_minutes;
}

void Run::save() {
  const fs::path directory = options_.run / "checkpoints" / fmt::format("step-{:08}", state_.step);
  save_checkpoint(options_.run, state_, *model_, trainer_->optimizer(), manifest(directory, "checkpoint"),
                  config_.checkpoint.keep);
  last_save_ = Clock::now();
}

void Run::export_model() {
  ledger::ArtefactWriter writer(options_.model);
  save_model(*model_, writer.directory());
  if (!config_.tokenizer.empty())
    for (const char* name : {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"})
      fs::copy_file(fs::path(config_.tokenizer) / name, writer.directory() / name);
  ledger::Manifest m = manifest(options_.model, "model");
  m.notes = {{"steps", state_.step}, {"tokens", state_.tokens}, {"parameters", summary_.parameters}};
  writer.commit(std::move(m));
}

RunSummary Run::execute() {
  start_or_resume();
  MetricsWriter metrics(options_.run / "metrics.jsonl", state_.step);
  Progress progress("train", static_cast<uint64_t>(state_.steps), "steps", options_.quiet);
  const int64_t first_tokens = state_.tokens;
  const double first_seconds = state_.seconds;
  progress.update(static_cast<uint64_t>(state_.step));
  while (state_.step < state_.steps) {
    run_step(metrics, progress);
    if (validation_due()) run_validation(metrics);
    const bool stop = interrupted();
    if (stop || checkpoint_due()) save();
    if (stop && state_.step < state_.steps) throw_if_interrupted();
  }
  export_model();
  summary_.steps = state_.step;
  summary_.tokens = state_.tokens;
  summary_.seconds = state_.seconds;
  if (state_.seconds > first_seconds)
    summary_.tokens_per_second = static_cast<double>(state_.tokens - first_tokens) / (state_.seconds - first_seconds);
  if (options_.ceiling_flops > 0) summary_.mfu = summary_.tokens_per_second * flops_per_token_ / options_.ceiling_flops;
  return summary_;
}

}  // namespace

RunSummary train(const TrainConfig& config, const RunOptions& options, Stream& stream) {
  return Run(config, options, stream).execute();
}

}  // namespace maru::train
