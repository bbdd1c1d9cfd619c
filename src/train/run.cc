#include "train/run.h"

#include <fmt/format.h>

#include <chrono>

#include "base/file_lock.h"
#include "base/json_node.h"
#include "base/progress.h"
#include "ledger/artefact_writer.h"
#include "models/model_files.h"
#include "models/weights.h"
#include "train/best.h"
#include "train/budget.h"
#include "train/checkpoint.h"
#include "train/identity.h"
#include "train/method.h"
#include "train/samples.h"
#include "train/trainer.h"

namespace maru::train {
namespace {

using Clock = std::chrono::steady_clock;

const char* result_kind(const TrainConfig& config) { return makes_adapter(config) ? "adapter" : "model"; }

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// One run in progress. The order of members is the order of construction.
class Run {
 public:
  Run(const TrainConfig& config, const RunOptions& options, Device& device);
  RunSummary execute();

 private:
  void start_or_resume();
  std::optional<RunState> read_plan(const fs::path& plan) const;
  int64_t total_steps();
  double seconds_per_step();
  void run_step(MetricsWriter& metrics, Progress& progress);
  bool validation_due() const;
  void run_validation(MetricsWriter& metrics);
  bool gave_up() const;
  bool over() const { return state_.step == state_.steps || gave_up(); }
  void take_best();
  void warn_of_losses();
  bool checkpoint_due() const;
  void save();
  void save_if_due();
  void export_result();

  TrainConfig config_;
  RunOptions options_;
  formats::TokenDataset train_set_, held_out_;
  std::unique_ptr<Decoder> model_;
  std::unique_ptr<Adapter> adapter_;  // beside the model, which stays as it is; null: the model itself is trained
  std::unique_ptr<Method> method_;
  Objective& objective_;
  Trainer trainer_;
  std::unique_ptr<BatchSource> loader_;
  std::vector<MicroBatch> batches_;
  RunState state_;
  RunSummary summary_;
  Clock::time_point last_save_ = Clock::now();
  bool save_wanted_ = false;
  double flops_per_token_ = 0, seconds_ = 0;
};

// Null: what is trained is an encoder, which the method reads, with the adapter beside it.
std::unique_ptr<Decoder> make_model(const TrainConfig& config, const formats::TokenDataset& tokens, Device& device) {
  const int64_t vocab_size = config.encoder ? config.encoder->vocab_size : config.model.vocab_size;
  if (tokens.vocab_size() > vocab_size)
    throw Failure(ErrorCode::kInvalidArgument, fmt::format("{}: holds tokens up to {}, model.vocab_size is {}",
                                                           config.tokens, tokens.vocab_size(), vocab_size));
  if (config.encoder) return nullptr;
  const bool stays = config.lora.has_value();  // as it is, quantized or not
  auto model = stays ? load_for_serving(device.host(), config.init_from, parse_dtype(config.dtype))
                     : std::make_unique<Decoder>(config.model, parse_dtype(config.dtype));
  model->recompute = config.recompute;
  if (stays) return model;
  allocate_values(*model);
  if (config.init_from.empty())
    initialise(*model, static_cast<uint64_t>(config.seed));
  else
    model->load(config.init_from);
  return model;
}

std::unique_ptr<Adapter> make_adapter(const TrainConfig& config, Decoder* model, Device& device) {
  if (!config.lora || model == nullptr) return nullptr;
  return std::make_unique<Adapter>(device, *model, *config.lora, static_cast<uint64_t>(config.seed));
}

int64_t count_trained(Model& trained) {
  int64_t values = 0;
  for (const Parameter* p : trained.parameters()) values += p->shape.size();
  return values;
}

// A backward pass that leaves the weights alone does without their products: two of three.
double flops_per_token(const TrainConfig& config, const formats::TokenDataset& tokens, const Method& method) {
  const double mean_context = static_cast<double>(
      std::min(config.sequence_length, tokens.num_tokens() / std::max<int64_t>(1, tokens.num_documents())));
  const double thirds = (config.lora ? 2 : 3) + method.more_forwards();
  const double all = config.encoder ? training_flops_per_token(*config.encoder, mean_context)
                                    : training_flops_per_token(config.model, mean_context);
  return (all - 6 * static_cast<double>(method.unused_weights())) * thirds / 3;
}

// A tokenizer made here has the first three; that of a model from elsewhere has what it has.
void copy_tokenizer(const fs::path& from, const fs::path& to) {
  for (const char* name : {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja",
                           "tokenizer.model", "sentencepiece.bpe.model", "spiece.model", "sentencepiece.model",
                           "qwen.tiktoken", "vocab.json", "merges.txt", "vocab.txt", "added_tokens.json"})
    if (fs::exists(from / name)) fs::copy_file(from / name, to / name);
}

void remove_chat_template(const fs::path& directory) {
  fs::remove(directory / "chat_template.jinja");
  const fs::path file = directory / "tokenizer_config.json";
  if (!fs::exists(file)) return;
  Json config = read_json(file);
  if (config.is_object() && config.erase("chat_template") > 0) write_json(file, config);
}

// The model that an adapter is for stays as it is. What a method generates with is planned by a dry run, which wants
// the model on the device, if there is room for it.
HeldMemory held_by(Method& method, const TrainConfig& config, Decoder* model, Device& device) {
  check_room(device, memory_of(method.objective().model(), config.optimizer, {}));
  if (model != nullptr) place(device, *model);
  HeldMemory held = method.held();
  if (config.lora && model != nullptr) held.models += bytes_of(*model);
  return held;
}

Run::Run(const TrainConfig& config, const RunOptions& options, Device& device)
    : config_(config),
      options_(options),
      train_set_(config.tokens, "train"),
      held_out_(config.tokens, "held_out"),
      model_(make_model(config, train_set_, device)),
      adapter_(make_adapter(config, model_.get(), device)),
      method_(options.make_method({config_, train_set_, held_out_, device, model_.get(), adapter_.get()})),
      objective_(method_->objective()),
      trainer_(objective_, config, device, held_by(*method_, config, model_.get(), device)),
      batches_(static_cast<size_t>(config.batch_tokens / config.micro_batch_tokens)) {
  summary_.parameters = count_trained(objective_.model());
  flops_per_token_ = flops_per_token(config, train_set_, *method_);
  summary_.measure = measure_of(config);
}

double Run::seconds_per_step() {
  const std::unique_ptr<BatchSource> sample = method_->source({});
  MicroBatch batch;
  double best = 1e30;
  for (int i = 0; i < 4; ++i) {
    sample->next(batch, config_.micro_batch_tokens);
    const auto start = Clock::now();
    trainer_.rehearse(batch);
    if (i > 0) best = std::min(best, since(start));
  }
  return best * static_cast<double>(batches_.size());
}

int64_t Run::total_steps() {
  if (config_.steps > 0) return config_.steps;
  if (config_.epochs > 0)
    return method_->source({})->steps_of(config_.epochs, config_.micro_batch_tokens, std::ssize(batches_));
  // A twentieth of the budget is for the optimiser, validation and checkpoints.
  return std::max<int64_t>(1, static_cast<int64_t>(config_.minutes * 60 * 0.95 / seconds_per_step()));
}

std::optional<RunState> Run::read_plan(const fs::path& plan) const {
  if (!fs::exists(plan)) return std::nullopt;
  try {
    return from_json<RunState>(read_json(plan), plan.string());
  } catch (const Failure& e) {
    options_.warn(fmt::format("{}; it is written again", e.what()));
    return std::nullopt;
  }
}

void Run::start_or_resume() {
  claim_run(options_.run, config_, options_.home, options_.warn);
  StepMemory memory = trainer_.memory();
  method_->prepare({options_.run, options_.watch, options_.warn, memory});
  const fs::path plan = options_.run / "plan.json";
  const std::optional<RunState> planned = read_plan(plan);
  const std::optional<RunState> restored =
      restore_newest(options_.run, objective_.model(), trainer_.optimizer(), options_.warn, method_->state());
  summary_.resumed = restored.has_value();
  if (restored || planned)
    state_ = restored ? *restored : *planned;
  else
    state_.steps = total_steps();  // measured once: a resumed run must not measure again
  if (!planned) write_json(plan, to_json(RunState{.steps = state_.steps}));
  loader_ = method_->source(state_.loader);
  if (const std::string left_out = loader_->left_out(); !left_out.empty())
    options_.warn(config_.tokens + ": " + left_out);
}

// A line has room for a few: a method that tells many is told by its measure.
Figures shown_of(const Figures& all, const Measure& measure) {
  if (all.size() <= 3) return all;
  const auto one = all.find(std::string(measure.name));
  return one == all.end() ? Figures() : Figures{*one};
}

void Run::run_step(MetricsWriter& metrics, Progress& progress) {
  const auto start = Clock::now();
  method_->take_figures();
  loader_->next_step(batches_, config_.micro_batch_tokens);
  const StepResult result = trainer_.step(batches_, state_.step + 1, state_.steps);
  method_->end_step(state_.step + 1, trainer_.memory());
  const double seconds = since(start), rate = static_cast<double>(result.tokens) / seconds;
  state_ = {.step = state_.step + 1,
            .steps = state_.steps,
            .tokens = state_.tokens + result.tokens,
            .loader = loader_->state(),
            .best = state_.best};
  seconds_ += seconds;
  const double mfu = options_.ceiling_flops > 0 ? rate * flops_per_token_ / options_.ceiling_flops : 0;
  const double lr = config_.optimizer.lr * schedule_factor(config_.schedule, state_.step - 1, state_.steps);
  const TrainingRow row{.step = state_.step,
                        .tokens = state_.tokens,
                        .loss = result.loss,
                        .lr = lr,
                        .gradient_norm = result.gradient_norm,
                        .tokens_per_second = rate,
                        .mfu = mfu,
                        .seconds = seconds_,
                        .figures = method_->take_figures()};
  metrics.write(row);
  summary_.loss = result.loss;
  progress.note(fmt::format("loss {:.3f}{}  {} tok/s  MFU {:.0f} %", result.loss,
                            words_of(shown_of(row.figures, summary_.measure)), short_count(rate), 100 * mfu));
  progress.update(static_cast<uint64_t>(state_.step));
}

bool Run::validation_due() const {
  const int64_t every =
      config_.validation.every_steps > 0 ? config_.validation.every_steps : std::max<int64_t>(1, state_.steps / 10);
  return state_.step % every == 0 || state_.step == state_.steps;
}

void Run::run_validation(MetricsWriter& metrics) {
  summary_.validation = method_->validate(trainer_.memory());
  if (!summary_.validation.empty())
    metrics.write(ValidationRow{.step = state_.step, .tokens = state_.tokens, .figures = summary_.validation});
  add_samples(options_.run / "samples.jsonl", state_.step, method_->take_samples());
  if (!config_.validation.keeps_best()) return;
  if (take_validation(summary_.measure, state_.step, summary_.validation, state_.best))
    save_best(options_.run, objective_.model(), summary_.validation,
              run_manifest(config_, {options_.run / "best", options_.home}, "checkpoint"));
}

bool Run::gave_up() const {
  const int64_t patience = config_.validation.patience.value_or(0);
  return patience > 0 && state_.best && state_.best->since >= patience;
}

void Run::take_best() {
  if (!state_.best || state_.best->step == state_.step) return;
  summary_.validation = load_best(options_.run, objective_.model());
  options_.watch.inform(fmt::format("the best model is that of step {}, {:.4g} {}: it is the one that is kept",
                                    state_.best->step, state_.best->value, summary_.measure.words));
  if (state_.best->step == 0)
    options_.warn(fmt::format("nothing that was learnt made the model better at what is held out: it is as {} was",
                              config_.init_from));
}

bool Run::checkpoint_due() const {
  if (over()) return true;
  if (config_.checkpoint.every_steps > 0 && state_.step % config_.checkpoint.every_steps == 0) return true;
  return config_.checkpoint.every_minutes > 0 && since(last_save_) > 60 * config_.checkpoint.every_minutes;
}

void Run::save() {
  const fs::path directory = options_.run / "checkpoints" / fmt::format("step-{:08}", state_.step);
  save_checkpoint(options_.run, state_, objective_.model(), trainer_.optimizer(),
                  run_manifest(config_, {directory, options_.home}, "checkpoint"), config_.checkpoint.keep,
                  method_->state());
  last_save_ = Clock::now();
}

// Whoever resumes sees what comes next only where the data says so.
void Run::save_if_due() {
  const bool stop = options_.watch.cancelled();
  save_wanted_ = save_wanted_ || stop || checkpoint_due();
  if (!save_wanted_ || !(over() || loader_->may_rest())) return;
  save();
  save_wanted_ = false;
  if (stop && !over()) options_.watch.throw_if_cancelled();
}

void Run::export_result() {
  ledger::ArtefactWriter writer(options_.model);
  method_->save(writer.directory(), {options_.generation_config, options_.base});
  if (!makes_adapter(config_) && !config_.tokenizer.empty()) copy_tokenizer(config_.tokenizer, writer.directory());
  if (!method_->reads_chats()) remove_chat_template(writer.directory());
  ledger::Manifest m = run_manifest(config_, {options_.model, options_.home}, result_kind(config_));
  const bool answers = train_set_.has_mask() && method_->unused_weights() == 0;
  m.notes = {{"chat", answers},  // a loss mask and a head: it learnt to answer, not only to go on
             {"steps", state_.step},
             {"tokens", state_.tokens},
             {"parameters", summary_.parameters},
             {"loss", summary_.loss ? Json(*summary_.loss) : Json(nullptr)}};
  add_validation(summary_, m.notes);
  if (state_.best) m.notes["best_step"] = state_.best->step;
  writer.commit(std::move(m));
}

// Of the run's end, where it is not all there.
void Run::warn_of_losses() {
  if (!summary_.loss)
    options_.warn(fmt::format("{}: the loss of step {} is lost: the model's manifest says null",
                              (options_.run / "metrics.jsonl").string(), state_.step));
  if (summary_.validation.empty())
    options_.warn(
        fmt::format("{}: nothing is held out: how good the model is at what it has not seen ({}) is not known",
                    config_.tokens, summary_.measure.words));
}

RunSummary Run::execute() {
  start_or_resume();
  const int64_t kept = state_.step > 0 ? state_.step : -1;  // what begins anew measures its beginning again
  MetricsWriter metrics(options_.run / "metrics.jsonl", kept, options_.warn);
  seconds_ = metrics.seconds_before();
  summary_.loss = metrics.loss();
  summary_.validation = metrics.validation();
  Progress progress(options_.watch, "train", static_cast<uint64_t>(state_.steps), "steps");
  options_.watch.inform("training holds " + trainer_.planned().text());
  const int64_t first_tokens = state_.tokens;
  const double first_seconds = seconds_;
  progress.update(static_cast<uint64_t>(state_.step));
  Budget budget(config_.minutes, state_.steps);
  if (state_.step == 0 && !config_.init_from.empty()) run_validation(metrics);  // what there is to gain on
  while (!over()) {
    const double before = seconds_;
    run_step(metrics, progress);
    if (const auto late = budget.late(state_.step, seconds_, seconds_ - before)) options_.watch.warn(*late);
    if (validation_due()) run_validation(metrics);
    save_if_due();
  }
  if (summary_.validation.empty()) run_validation(metrics);
  take_best();
  warn_of_losses();
  export_result();
  summary_.steps = state_.step;
  summary_.tokens = state_.tokens;
  summary_.seconds = seconds_;
  if (seconds_ > first_seconds)
    summary_.tokens_per_second = static_cast<double>(state_.tokens - first_tokens) / (seconds_ - first_seconds);
  if (options_.ceiling_flops > 0) summary_.mfu = summary_.tokens_per_second * flops_per_token_ / options_.ceiling_flops;
  return summary_;
}

}  // namespace

void add_validation(const RunSummary& summary, Json& object) {
  const auto key = [](std::string_view name) { return fmt::format("{}{}", kValidationPrefix, name); };
  object[key(summary.measure.name)] = nullptr;
  for (const auto& [name, value] : summary.validation) object[key(name)] = value;
}

std::optional<RunSummary> finished(const TrainConfig& config, const RunOptions& options) {
  const ledger::Manifest m = run_manifest(config, {options.model, options.home}, result_kind(config));
  if (!ledger::is_current(options.model, ledger::stage_key(m.kind, m.recipe, m.inputs))) return std::nullopt;
  const ledger::Manifest stored = ledger::read_manifest(options.model);
  const JsonNode notes(stored.notes, (options.model / ledger::kManifestName).string() + ": notes");
  RunSummary summary{.steps = notes["steps"].integer(0),
                     .tokens = notes["tokens"].integer(0),
                     .parameters = notes["parameters"].integer(0),
                     .loss = notes["loss"].number(std::nullopt),
                     .measure = measure_of(config),
                     .skipped = true};
  for (const auto& [key, value] : notes.members())
    if (key.starts_with(kValidationPrefix) && !value.is_null())
      summary.validation[std::string(key.substr(kValidationPrefix.size()))] = value.number();
  return summary;
}

RunSummary train(const TrainConfig& config, const RunOptions& options, Device& device) {
  if (const auto done = finished(config, options)) return *done;  // also in a home that cannot be written
  check_kind_of_tokens(config);
  ledger::require_writable(options.model);
  fs::create_directories(options.run.parent_path());
  const FileLock lock(options.run);
  return Run(config, options, device).execute();
}

}  // namespace maru::train
