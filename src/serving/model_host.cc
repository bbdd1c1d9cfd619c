#include "serving/model_host.h"

#include <algorithm>
#include <chrono>

#include "base/excerpt.h"
#include "base/request_failure.h"
#include "base/thread_pool.h"
#include "serving/model_entry.h"
#include "tensor/host_buffer.h"

namespace maru::serving {
namespace {

constexpr auto kLeavingTime = std::chrono::seconds(2);  // for the memory of what was unloaded

std::string mib(int64_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB"; }

/// A quarter of them: those who wait for an answer have the rest.
int loading_threads(const Device& device) { return std::max(1, device.host().pool->size() / 4); }

infer::EngineOptions engine_options(const HostOptions& options, const ModelParts& parts, Turns& turns) {
  return {.max_running = options.max_running,
          .max_waiting = options.max_waiting,
          .step_tokens = options.step_tokens,
          .channel_pieces = options.channel_pieces,
          .draft_tokens = options.draft_tokens,
          .draft_model = parts.draft_model,
          .prefix_cache = options.prefix_cache,
          .shared_prefixes = options.shared_prefixes,
          .end_tokens = parts.end_tokens,
          .seed = static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()),
          .turns = &turns};
}

}  // namespace

ModelHost::ModelHost(HostOptions options, Observe observe)
    : options_(std::move(options)), observe_(std::move(observe)) {
  if (options_.unload_idle_seconds > 0)
    idle_thread_ = std::jthread([this](const std::stop_token& stop) { unload_idle(stop); });
}

ModelHost::~ModelHost() = default;

ModelHost::Entry* ModelHost::entry_of(std::string_view id) const {
  const auto it = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.id == id; });
  return it == entries_.end() ? nullptr : &*it;
}

void ModelHost::check_new(const std::string& id) const {
  CHECK(!id.empty());
  if (entry_of(id) != nullptr)
    throw Failure(ErrorCode::kExists, "two models are called \"" + id + "\"; give one of them another name");
}

int64_t ModelHost::budget() const {
  return options_.memory_bytes > 0 ? options_.memory_bytes : static_cast<int64_t>(machine_bytes());
}

int64_t ModelHost::bytes_taken() const {
  std::erase_if(leaving_, [](const Leaving& leaving) { return leaving.id.empty() && leaving.what.expired(); });
  int64_t bytes = 0;
  for (const Leaving& leaving : leaving_) bytes += leaving.what.expired() ? 0 : leaving.bytes;
  for (const Entry& entry : entries_) bytes += entry.bytes();
  return bytes;
}

/// The offer in memory that nobody has asked for the longest, and that nobody waits for.
ModelHost::Entry* ModelHost::oldest_idle() const {
  Entry* oldest = nullptr;
  for (Entry& entry : entries_)
    if (entry.offer && entry.in_memory() && entry.idle() && (oldest == nullptr || entry.used < oldest->used))
      oldest = &entry;
  return oldest;
}

/// What is returned is destroyed without the mutex: an engine's end takes a step.
std::shared_ptr<const void> ModelHost::take_out(Entry& entry) const {
  std::shared_ptr<const void> out;
  const int64_t bytes = entry.bytes();
  if (entry.model != nullptr && !entry.is_adapter()) add_totals(entry.before, entry.model->engine().stats());
  if (entry.model != nullptr) out = std::exchange(entry.model, nullptr);
  if (entry.encoder != nullptr) out = std::exchange(entry.encoder, nullptr);
  leaving_.push_back({out, bytes});
  return out;
}

void ModelHost::put(Entry entry) const {
  Entry* const there = entry_of(entry.id);
  if (there == nullptr) {
    entries_.push_back(std::move(entry));
    return;
  }
  there->model = std::move(entry.model);
  there->encoder = std::move(entry.encoder);
  there->adapter = std::move(entry.adapter);
  there->created = entry.created;
  there->used = entry.used;
}

/// Unloads offers until there is room. `loading_` is held.
void ModelHost::make_room(const std::string& id, int64_t bytes) const {
  const Clock::time_point patience = Clock::now() + kLeavingTime;
  for (;;) {
    std::shared_ptr<const void> out;
    bool may_wait = false;
    {
      std::lock_guard lock(mutex_);
      const int64_t taken = bytes_taken();
      if (taken + bytes <= budget()) return;
      Entry* const oldest = oldest_idle();
      const bool leaves =
          std::any_of(leaving_.begin(), leaving_.end(), [](const auto& l) { return !l.what.expired(); });
      may_wait = oldest == nullptr && leaves && Clock::now() < patience;
      if (oldest == nullptr && !may_wait)
        throw Failure(ErrorCode::kExhausted, "model \"" + id + "\" needs " + mib(bytes) + " besides the " + mib(taken) +
                                                 " of the others; models may have " + mib(budget()) +
                                                 " (memory_mib); serve fewer, or with smaller cache_mib");
      if (oldest != nullptr) out = take_out(*oldest);
    }
    if (may_wait) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

ModelHost::Entry ModelHost::started(ModelParts parts) const {
  Entry entry;
  entry.id = parts.id;
  infer::EngineObserver* observer = observe_ ? observe_(parts.id) : nullptr;
  infer::EngineOptions options = engine_options(options_, parts, cores_);
  entry.model =
      std::make_shared<const ServedModel>(std::move(parts), std::move(options), options_.timeout_seconds, observer);
  return entry;
}

ModelHost::Entry ModelHost::started(std::string id, std::unique_ptr<infer::LoadedEncoder> encoder) const {
  Entry entry;
  entry.id = id;
  entry.encoder = std::make_shared<const ServedEncoder>(std::move(id), std::move(encoder),
                                                        infer::EncoderEngineOptions{.turns = &cores_});
  return entry;
}

ModelHost::Entry ModelHost::loaded(const ModelSource& source, const StoredModel& stored, Device& device) const {
  const std::unique_ptr<ThreadPool> own = open_ ? std::make_unique<ThreadPool>(loading_threads(device)) : nullptr;
  std::unique_lock cores(cores_, std::defer_lock);
  if (own == nullptr) cores.lock();
  LoadedParts parts = load_parts({source.path, stored.id, source.draft}, options_, device, own.get());
  if (cores) cores.unlock();
  if (auto* encoder = std::get_if<std::unique_ptr<infer::LoadedEncoder>>(&parts))
    return started(stored.id, std::move(*encoder));
  return started(std::get<ModelParts>(std::move(parts)));
}

void ModelHost::add(std::string id, std::unique_ptr<infer::LoadedEncoder> encoder) {
  std::lock_guard loading(loading_);
  {
    std::lock_guard lock(mutex_);
    check_new(id);
  }
  Entry entry = started(std::move(id), std::move(encoder));
  make_room(entry.id, entry.bytes());
  std::lock_guard lock(mutex_);
  put(std::move(entry));
}

void ModelHost::add(ModelParts parts) {
  std::lock_guard loading(loading_);
  {
    std::lock_guard lock(mutex_);
    check_new(parts.id);
  }
  make_room(parts.id, parts.bytes);
  Entry entry = started(std::move(parts));
  std::lock_guard lock(mutex_);
  put(std::move(entry));
}

std::string ModelHost::load(const ModelSource& source, Device& device, bool replace) {
  std::lock_guard loading(loading_);
  const StoredModel stored = describe(source, options_);
  std::shared_ptr<const void> out;
  {
    std::lock_guard lock(mutex_);
    if (!replace) check_new(stored.id);
    if (const Entry* there = entry_of(stored.id); there != nullptr && (there->is_adapter() || there->offer))
      throw Failure(ErrorCode::kExists, "\"" + stored.id + "\" is not a model that stays; unload it first");
  }
  make_room(stored.id, stored.bytes);
  Entry entry = loaded(source, stored, device);
  std::vector<AdapterSource> adapters;
  {
    std::lock_guard lock(mutex_);
    if (Entry* there = entry_of(stored.id); there != nullptr) out = take_out(*there);
    put(std::move(entry));
    for (const Entry& other : entries_)
      if (other.is_adapter() && other.model->parent() == stored.id) adapters.push_back(other.adapter);
  }
  for (AdapterSource& adapter : adapters) move_adapter(std::move(adapter), stored.id, device);
  return stored.id;
}

/// To the model that has taken the place of its own. One that does not fit it goes.
void ModelHost::move_adapter(AdapterSource source, const std::string& model, Device& device) {
  const std::string id = id_of(source);
  source.model = model;
  try {
    put_adapter(source, device);
  } catch (const Failure& failure) {
    if (options_.warn) options_.warn("adapter \"" + id + "\" is not served any more: " + failure.what());
    std::shared_ptr<const void> out;
    std::lock_guard lock(mutex_);
    out = take_out(*entry_of(id));
    std::erase_if(entries_, [&](const Entry& entry) { return entry.id == id; });
  }
}

std::string ModelHost::offer(const ModelSource& source, Device& device) {
  Entry entry;
  StoredModel stored = describe(source, options_);
  const std::string id = entry.id = stored.id;
  entry.offer = {source, std::move(stored), &device};
  std::lock_guard lock(mutex_);
  check_new(id);
  put(std::move(entry));
  return id;
}

/// `loading_` is held.
ModelHost::Entry ModelHost::with_adapter(const AdapterSource& source, Device& device) const {
  const std::string id = id_of(source), wanted = source.model.empty() ? model_of(source) : source.model;
  std::shared_ptr<const ServedModel> model;
  {
    std::lock_guard lock(mutex_);
    for (const Entry& entry : entries_) {
      const bool takes = entry.model != nullptr && !entry.is_adapter() && !entry.offer;
      if (takes && (entry.id == wanted || (model == nullptr && source.model.empty()))) model = entry.model;
    }
  }
  if (model == nullptr)
    throw Failure(ErrorCode::kNotFound, "adapter \"" + id + "\": there is no model " +
                                            (wanted.empty() ? "" : "\"" + excerpt(wanted) + "\" ") +
                                            "here that stays in memory");
  if (model->decoder() == nullptr)
    throw Failure(ErrorCode::kUnimplemented, "adapter \"" + id + "\": " + model->id() + " takes no adapters");
  make_room(id, stored_bytes(source));
  Entry entry;
  entry.id = id;
  entry.adapter = source;
  std::lock_guard cores(cores_);
  entry.model = std::make_shared<const ServedModel>(*model, load_adapter_parts(source, *model, device));
  return entry;
}

void ModelHost::load_adapter(const AdapterSource& source, Device& device, bool replace) {
  std::lock_guard loading(loading_);
  {
    std::lock_guard lock(mutex_);
    const Entry* const there = entry_of(id_of(source));
    if (!replace || (there != nullptr && !there->is_adapter())) check_new(id_of(source));
  }
  put_adapter(source, device);
}

/// `loading_` is held.
void ModelHost::put_adapter(const AdapterSource& source, Device& device) {
  Entry entry = with_adapter(source, device);
  std::shared_ptr<const void> out;  // destroyed without the mutex
  std::lock_guard lock(mutex_);
  if (Entry* const there = entry_of(entry.id); there != nullptr) out = take_out(*there);
  put(std::move(entry));
}

void ModelHost::unload(const std::string& id) {
  std::lock_guard loading(loading_);
  std::vector<std::shared_ptr<const void>> out;  // destroyed without the mutex
  std::lock_guard lock(mutex_);
  Entry* const entry = entry_of(id);
  if (entry == nullptr) no_such_model(id);
  if (!entry->is_adapter() && std::none_of(entries_.begin(), entries_.end(),
                                           [&](const Entry& other) { return &other != entry && !other.is_adapter(); }))
    throw Failure(ErrorCode::kInvalidArgument, "\"" + excerpt(id) + "\" is the last model of this server");
  const bool counts = !entry->is_adapter() && !entry->is_encoder();
  if (entry->in_memory()) out.push_back(take_out(*entry));
  if (counts) {
    Leaving gone{.id = id, .totals = entry->before};
    std::erase_if(leaving_, [&](const Leaving& other) {
      if (other.id == id) add_totals(gone.totals, other.totals);
      return other.id == id;
    });
    leaving_.push_back(std::move(gone));
  }
  std::erase_if(entries_, [&](Entry& other) {
    const bool goes = other.id == id || (other.is_adapter() && other.model->parent() == id);
    if (goes && other.in_memory()) out.push_back(take_out(other));
    return goes;
  });
}

}  // namespace maru::serving
