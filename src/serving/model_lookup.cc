// What is asked of a host: models by name, loaded where they are offered, and what there is.
#include <algorithm>
#include <map>

#include "base/excerpt.h"
#include "base/long_wait.h"
#include "base/request_failure.h"
#include "serving/model_entry.h"

namespace maru::serving {
namespace {

constexpr int kMaxWaiting = 16;  // requests that wait for models to be loaded
constexpr auto kLookAtIdle = std::chrono::milliseconds(200);

void add_all(infer::EngineStats& to, const infer::EngineStats& more) {
  add_totals(to, more);
  to.running += more.running;
  to.waiting += more.waiting;
  to.pages += more.pages;
  to.pages_used += more.pages_used;
  to.pages_known += more.pages_known;
  to.tenants += more.tenants;
}

}  // namespace

void no_such_model(const std::string& id) {
  throw RequestFailure(ErrorCode::kNotFound,
                       "The model '" + excerpt(id) + "' does not exist or is not served here; see /v1/models", "model",
                       "model_not_found");
}

/// `loading_` is not held. What it does is not the client's business; the operator is told.
void ModelHost::load_offer(const std::string& id, LongWait::Pool* waits) const {
  const std::shared_ptr<void> leave(nullptr, [this](void*) { --waiting_; });
  if (++waiting_ > kMaxWaiting)
    throw Failure(ErrorCode::kUnavailable, "too many requests wait for models to be loaded; try again");
  const LongWait wait(waits);
  std::lock_guard loading(loading_);
  std::optional<Entry::Offer> offer;
  {
    std::lock_guard lock(mutex_);
    const Entry* const entry = entry_of(id);
    if (entry == nullptr) no_such_model(id);
    if (entry->in_memory()) return;
    offer = entry->offer;
  }
  try {
    make_room(id, offer->stored.bytes);
    Entry entry = loaded(offer->source, offer->stored, *offer->device);
    std::lock_guard lock(mutex_);
    put(std::move(entry));
  } catch (const Failure& failure) {
    if (options_.warn) options_.warn("model \"" + id + "\" could not be loaded: " + failure.what());
    throw RequestFailure(ErrorCode::kUnavailable,
                         failure.code() == ErrorCode::kExhausted
                             ? "the model '" + id + "' has no room in memory while others answer; try again"
                             : "the model '" + id + "' could not be loaded; the server's log says why",
                         "model", "model_not_loaded");
  }
}

void ModelHost::unload_idle(const std::stop_token& stop) {
  const auto patience = std::chrono::duration<double>(options_.unload_idle_seconds);
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    wake_.wait_for(lock, stop, kLookAtIdle, [] { return false; });
    std::vector<std::shared_ptr<const void>> out;
    const Clock::time_point now = Clock::now();
    for (Entry& entry : entries_) {
      if (!entry.offer || !entry.in_memory()) continue;
      if (!entry.idle()) entry.used = now;
      if (now - entry.used >= patience) out.push_back(take_out(entry));
    }
    lock.unlock();
    out.clear();
    lock.lock();
  }
}

std::shared_ptr<const ServedModel> ModelHost::find(std::string_view id) const {
  std::lock_guard lock(mutex_);
  const Entry* const entry = entry_of(id);
  return entry == nullptr ? nullptr : entry->model;
}

std::shared_ptr<const ServedModel> ModelHost::get(const std::string& id, const Caller& caller) const {
  if (!caller.principal.may_ask(id)) no_such_model(id);
  for (;; load_offer(id, caller.waits)) {
    std::lock_guard lock(mutex_);
    Entry* const entry = entry_of(id);
    if (entry == nullptr || entry->is_encoder()) no_such_model(id);
    entry->used = Clock::now();
    if (entry->model != nullptr) return entry->model;
  }
}

std::vector<std::shared_ptr<const ServedModel>> ModelHost::list() const {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<const ServedModel>> models;
  for (const Entry& entry : entries_)
    if (entry.model != nullptr && !entry.is_adapter()) models.push_back(entry.model);
  return models;
}

std::shared_ptr<const ServedEncoder> ModelHost::get_encoder(const std::string& id, const Caller& caller) const {
  if (!caller.principal.may_ask(id)) no_such_model(id);
  for (;; load_offer(id, caller.waits)) {
    std::lock_guard lock(mutex_);
    Entry* const entry = entry_of(id);
    if (entry == nullptr || !entry->is_encoder())
      throw RequestFailure(ErrorCode::kNotFound,
                           "The model '" + excerpt(id) + "' " +
                               (entry != nullptr ? "writes text; it makes no vectors and no scores"
                                                 : "does not exist or is not served here; see /v1/models"),
                           "model", "model_not_found");
    entry->used = Clock::now();
    if (entry->encoder != nullptr) return entry->encoder;
  }
}

std::vector<std::shared_ptr<const ServedEncoder>> ModelHost::list_encoders() const {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<const ServedEncoder>> encoders;
  for (const Entry& entry : entries_)
    if (entry.encoder != nullptr) encoders.push_back(entry.encoder);
  return encoders;
}

std::vector<ServedName> ModelHost::names() const {
  std::lock_guard lock(mutex_);
  std::vector<ServedName> names;
  for (const Entry& entry : entries_) names.push_back(entry.name());
  return names;
}

std::vector<std::pair<std::string, infer::EngineStats>> ModelHost::stats_by_model() const {
  std::lock_guard lock(mutex_);
  std::vector<std::pair<std::string, infer::EngineStats>> all;
  std::map<std::string, infer::EngineStats> gone;
  for (const Leaving& leaving : leaving_)
    if (!leaving.id.empty()) add_totals(gone[leaving.id], leaving.totals);
  for (const Entry& entry : entries_) {
    if (entry.is_encoder() || entry.is_adapter()) continue;
    infer::EngineStats stats = entry.before;
    if (const auto before = gone.extract(entry.id)) add_totals(stats, before.mapped());
    if (entry.model != nullptr) add_all(stats, entry.model->engine().stats());
    all.emplace_back(entry.id, stats);
  }
  all.insert(all.end(), gone.begin(), gone.end());
  return all;
}

infer::EngineStats ModelHost::stats() const {
  infer::EngineStats all;
  for (const auto& [id, stats] : stats_by_model()) add_all(all, stats);
  return all;
}

}  // namespace maru::serving
