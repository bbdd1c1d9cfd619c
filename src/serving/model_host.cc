#include "serving/model_host.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/excerpt.h"
#include "base/request_failure.h"
#include "ledger/manifest.h"
#include "models/weights.h"
#include "serving/fingerprint.h"
#include "serving/model_forms.h"
#include "serving/tool_messages.h"
#include "tensor/arena.h"
#include "tensor/host_buffer.h"

namespace maru::serving {
namespace {

int64_t unix_seconds() {
  using std::chrono::system_clock;
  return std::chrono::duration_cast<std::chrono::seconds>(system_clock::now().time_since_epoch()).count();
}

std::string mib(int64_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB"; }

// Whether the model was taught to answer: the manifest of one of ours says so; of others a chat template is a good
// sign.
bool can_chat(const fs::path& path, const infer::LoadedModel& model) {
  if (!fs::exists(path / ledger::kManifestName)) return model.chat_template() != nullptr;
  const ledger::Manifest manifest = ledger::read_manifest(path);
  return manifest.notes.value("chat", !manifest.foreign.empty() && model.chat_template() != nullptr);
}

ModelFacts facts_of(const ModelSource& source, const infer::LoadedModel& model) {
  const Decoder& decoder = model.decoder();
  return {.parameters = count_parameters(decoder.config()),
          .context_length = decoder.config().max_position_embeddings,
          .dtype = std::string(name_of(decoder.dtype())),
          .chat = can_chat(source.path, model),
          .adapter = source.adapter.filename().string()};
}

/// What changes bits besides weights and program.
std::string arithmetic_of(const HostOptions& options, const infer::LoadedModel& model, Device& device) {
  return std::string(name_of(device.host().isa)) + " " + std::string(name_of(model.decoder().dtype())) +
         (options.int8_cache ? " int8" : "");
}

infer::EngineOptions engine_options(const HostOptions& options, const ModelParts& parts, Turns& turns) {
  return {.max_running = options.max_running,
          .max_waiting = options.max_waiting,
          .step_tokens = options.step_tokens,
          .channel_pieces = options.channel_pieces,
          .draft_tokens = options.draft_tokens,
          .prefix_cache = options.prefix_cache,
          .shared_prefixes = options.shared_prefixes,
          .end_tokens = parts.end_tokens,
          .seed = static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()),
          .turns = &turns};
}

}  // namespace

void no_such_model(const std::string& id) {
  throw RequestFailure(ErrorCode::kNotFound,
                       "The model '" + excerpt(id) + "' does not exist or is not served here; see /v1/models", "model",
                       "model_not_found");
}

ServedModel::ServedModel(ModelParts parts, infer::EngineOptions options, double timeout_seconds,
                         infer::EngineObserver* observer)
    : parts_(std::move(parts)),
      created_(unix_seconds()),
      timeout_seconds_(timeout_seconds),
      engine_(*parts_.model, *parts_.tokenizer, std::move(options), observer) {}

RequestLimits ServedModel::limits() const {
  return {.max_context = engine_.max_context(),
          .vocab_size = parts_.model->vocab_size(),
          .timeout_seconds = timeout_seconds_};
}

ChatModel ServedModel::chat() const {
  return {.id = parts_.id, .tokenizer = parts_.tokenizer, .chat_template = parts_.chat_template, .forms = parts_.forms};
}

std::string ServedModel::next_call_id() const {
  const size_t size = parts_.forms.calls == nullptr ? 0 : parts_.forms.calls->id_characters;
  return size == 0 ? call_ids_.next("call_") : short_id(call_ids_.number(), size);
}

ModelHost::ModelHost(HostOptions options, Observe observe)
    : options_(std::move(options)), observe_(std::move(observe)) {}

/// The mutex is held.
void ModelHost::check_room(const std::string& id, int64_t bytes) const {
  CHECK(!id.empty());
  const int64_t budget = options_.memory_bytes > 0 ? options_.memory_bytes : static_cast<int64_t>(machine_bytes());
  int64_t taken = 0;
  const auto count = [&](const auto& models) {
    for (const auto& model : models) {
      if (model->id() == id)
        throw Failure(ErrorCode::kExists, "two models are called \"" + id + "\"; give one of them another name");
      taken += model->bytes();
    }
  };
  count(models_);
  count(encoders_);
  if (taken + bytes > budget)
    throw Failure(ErrorCode::kExhausted, "model \"" + id + "\" needs " + mib(bytes) + " besides the " + mib(taken) +
                                             " of the others; models may have " + mib(budget) +
                                             " (memory_mib); serve fewer, or with smaller cache_mib");
}

void ModelHost::add(std::string id, std::unique_ptr<infer::LoadedEncoder> encoder) {
  auto served = std::make_shared<const ServedEncoder>(std::move(id), std::move(encoder),
                                                      infer::EncoderEngineOptions{.turns = &turns_});
  std::lock_guard lock(mutex_);
  check_room(served->id(), served->bytes());
  encoders_.push_back(std::move(served));
}

void ModelHost::add(ModelParts parts) {
  std::lock_guard lock(mutex_);
  check_room(parts.id, parts.bytes);
  infer::EngineObserver* observer = observe_ ? observe_(parts.id) : nullptr;
  infer::EngineOptions options = engine_options(options_, parts, turns_);
  models_.push_back(
      std::make_shared<ServedModel>(std::move(parts), std::move(options), options_.timeout_seconds, observer));
}

void ModelHost::load(const ModelSource& source, Device& device) {
  if (is_encoder(source.path)) {
    auto encoder = std::make_unique<infer::LoadedEncoder>(source.path, device);
    std::string id = source.id.empty() ? encoder->name() : source.id;
    return add(std::move(id), std::move(encoder));
  }
  auto model = std::make_shared<infer::LoadedModel>(source.path, device,
                                                    infer::LoadOptions{.adapter = source.adapter,
                                                                       .dtype = options_.dtype,
                                                                       .cache_bytes = options_.cache_bytes,
                                                                       .max_sequences = options_.max_running,
                                                                       .int8_cache = options_.int8_cache});
  const text::AnswerForms forms = forms_of(options_.tool_parser, options_.reasoning_parser, model->chat_template());
  add({.model = &model->runner(),
       .tokenizer = &model->tokenizer(),
       .chat_template = model->chat_template(),
       .id = source.id.empty() ? model->name() : source.id,
       .fingerprint = system_fingerprint(source.path, source.adapter, arithmetic_of(options_, *model, device)),
       .end_tokens = end_tokens_of(model->end_tokens(), model->tokenizer(), forms),
       .forms = forms,
       .facts = facts_of(source, *model),
       .bytes = model->bytes(),
       .owner = model});
}

std::shared_ptr<const ServedModel> ModelHost::find(std::string_view id) const {
  std::lock_guard lock(mutex_);
  const auto it = std::find_if(models_.begin(), models_.end(), [&](const auto& model) { return model->id() == id; });
  return it == models_.end() ? nullptr : *it;
}

std::shared_ptr<const ServedModel> ModelHost::get(const std::string& id) const {
  auto model = find(id);
  if (model == nullptr) no_such_model(id);
  return model;
}

std::shared_ptr<const ServedModel> ModelHost::get(const std::string& id, const Principal& principal) const {
  if (!principal.may_ask(id)) no_such_model(id);
  return get(id);
}

std::vector<std::shared_ptr<const ServedModel>> ModelHost::list() const {
  std::lock_guard lock(mutex_);
  return models_;
}

std::shared_ptr<const ServedEncoder> ModelHost::get_encoder(const std::string& id, const Principal& principal) const {
  if (!principal.may_ask(id)) no_such_model(id);
  std::lock_guard lock(mutex_);
  const auto named = [&](const auto& model) { return model->id() == id; };
  if (const auto it = std::find_if(encoders_.begin(), encoders_.end(), named); it != encoders_.end()) return *it;
  const bool writes = std::any_of(models_.begin(), models_.end(), named);
  throw RequestFailure(ErrorCode::kNotFound,
                       "The model '" + excerpt(id) + "' " +
                           (writes ? "writes text; it makes no vectors and no scores"
                                   : "does not exist or is not served here; see /v1/models"),
                       "model", "model_not_found");
}

std::vector<std::shared_ptr<const ServedEncoder>> ModelHost::list_encoders() const {
  std::lock_guard lock(mutex_);
  return encoders_;
}

infer::EngineStats ModelHost::stats() const {
  infer::EngineStats all;
  for (const auto& model : list()) {
    const infer::EngineStats one = model->engine().stats();
    all.running += one.running;
    all.waiting += one.waiting;
    all.pages += one.pages;
    all.pages_used += one.pages_used;
    all.preemptions += one.preemptions;
    all.prompt_tokens += one.prompt_tokens;
    all.generated_tokens += one.generated_tokens;
  }
  return all;
}

}  // namespace maru::serving
