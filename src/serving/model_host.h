// The models of one process: loaded within a budget of memory, each with its engine, all taking turns on the same
// cores; their adapters, under names of their own; and models that are loaded when somebody asks for them.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/principal.h"
#include "base/turns.h"
#include "infer/engine.h"
#include "serving/api_options.h"
#include "serving/model_facts.h"
#include "serving/model_loader.h"
#include "serving/served_encoder.h"
#include "serving/served_model.h"

namespace maru::serving {

struct Receipts;

struct HostOptions {
  int64_t max_running = 32, max_waiting = 128;  // choices of one model
  int64_t step_tokens = 512, channel_pieces = 256, draft_tokens = 0;
  bool prefix_cache = true, shared_prefixes = false;  // see infer::EngineOptions
  bool int8_cache = false;                            // keys and values in 8 bits
  int64_t cache_bytes = int64_t{1} << 30;             // of pages for one model
  int64_t memory_bytes = 0;                           // of all models together; 0: what the machine has
  std::optional<Dtype> dtype;
  double timeout_seconds = 600;
  double unload_idle_seconds = 0;  // offered models that nobody asks for so long are unloaded; 0: never
  std::string tool_parser = "auto", reasoning_parser = "auto";  // forms by name, "none", or as the template says
  ApiOptions api{};
  const Receipts* receipts = nullptr;                 // null: answers have none; must outlive the host
  std::function<void(const std::string&)> warn = {};  // told what an operator should know; from any thread
};

/// A name that answers.
struct ServedName {
  std::string id, parent;  // parent: of an adapter, its model
  int64_t created = 0;     // when it was loaded or offered, seconds since 1970
  std::optional<int64_t> max_context;
  ModelFacts facts;
  std::string fingerprint;  // empty: not known yet
  int64_t bytes = 0;        // of memory that it takes, or would
  bool encoder = false;
  std::optional<bool> loaded;  // of an offer
};

/// Throws   RequestFailure "model_not_found".
[[noreturn]] void no_such_model(const std::string& id);

/// Thread-safe. Devices are shared by all models, and must outlive the host.
class ModelHost {
 public:
  /// `observe` gives each model's engine somebody to tell what happens; empty: nobody. Must outlive the host.
  using Observe = std::function<infer::EngineObserver*(const std::string& id)>;
  explicit ModelHost(HostOptions options, Observe observe = {});
  ~ModelHost();

  /// From now on somebody may ask: what is loaded later leaves most of the cores to those who answer.
  void open() { open_ = true; }

  /// Throws   kExists when there is one of that name; kExhausted when it does not fit into the budget.
  void add(ModelParts parts);
  /// Throws   as above.
  void add(std::string id, std::unique_ptr<infer::LoadedEncoder> encoder);
  /// Loads from disk, while other models answer. With `replace` it takes the place of the one of its name, whose
  /// requests under way end with what they began with, and whose adapters are loaded anew.
  ///
  /// Returns  the name it answers to.
  /// Throws   what LoadedModel and add throw.
  std::string load(const ModelSource& source, Device& device, bool replace = false);
  /// Lists a model that is loaded when it is first asked for, and unloaded when another needs its memory, or nobody has
  /// asked for it for `unload_idle_seconds`. Returns the name it answers to.
  ///
  /// Throws   kExists; what reading its configuration throws.
  std::string offer(const ModelSource& source, Device& device);
  /// Requests that see the adapter of this name under way, with `replace`, end with it.
  ///
  /// Throws   kExists when the name is taken; kNotFound for a model that is not here, or does not stay; kExhausted as
  ///          add; what Adapter throws.
  void load_adapter(const AdapterSource& source, Device& device, bool replace = false);
  /// Takes a model, with its adapters, or an adapter off the list. Requests under way end as they would have.
  ///
  /// Throws   RequestFailure "model_not_found"; kInvalidArgument for the last model.
  void unload(const std::string& id);

  /// Null: not in memory.
  std::shared_ptr<const ServedModel> find(std::string_view id) const;
  /// Loads an offered model, which may take long.
  ///
  /// Throws   RequestFailure "model_not_found"; kUnavailable when it cannot be loaded now.
  std::shared_ptr<const ServedModel> get(const std::string& id) const { return get(id, Caller()); }
  /// The same for a model that this caller may not ask: it cannot tell what else is served.
  std::shared_ptr<const ServedModel> get(const std::string& id, const Caller& caller) const;
  /// Models in memory, without their adapters, in the order they were added.
  std::vector<std::shared_ptr<const ServedModel>> list() const;
  /// Text encoders. Throws   RequestFailure "model_not_found", also of a model that is none.
  std::shared_ptr<const ServedEncoder> get_encoder(const std::string& id, const Caller& caller) const;
  std::vector<std::shared_ptr<const ServedEncoder>> list_encoders() const;
  /// All that answers, in the order it was added.
  std::vector<ServedName> names() const;
  /// Of one model, over all its engines, also those that were unloaded since; and of all together.
  std::vector<std::pair<std::string, infer::EngineStats>> stats_by_model() const;
  infer::EngineStats stats() const;
  const HostOptions& options() const { return options_; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Entry;
  struct Leaving;

  Entry started(ModelParts parts) const;
  Entry started(std::string id, std::unique_ptr<infer::LoadedEncoder> encoder) const;
  Entry loaded(const ModelSource& source, const StoredModel& stored, Device& device) const;
  Entry with_adapter(const AdapterSource& source, Device& device) const;
  void put_adapter(const AdapterSource& source, Device& device);
  void move_adapter(AdapterSource source, const std::string& model, Device& device);
  void load_offer(const std::string& id, LongWait::Pool* waits) const;
  void make_room(const std::string& id, int64_t bytes) const;
  void unload_idle(const std::stop_token& stop);
  // With the mutex held:
  void put(Entry entry) const;
  Entry* entry_of(std::string_view id) const;
  void check_new(const std::string& id) const;
  int64_t budget() const;
  int64_t bytes_taken() const;
  Entry* oldest_idle() const;
  std::shared_ptr<const void> take_out(Entry& entry) const;

  const HostOptions options_;
  const Observe observe_;
  mutable Turns cores_;    // one computes
  mutable Turns loading_;  // one loads or unloads; before the mutex
  std::atomic<bool> open_{false};
  mutable std::atomic<int> waiting_{0};  // requests that wait for a model
  mutable std::mutex mutex_;             // guards what follows
  mutable std::vector<Entry> entries_;
  mutable std::vector<Leaving> leaving_;  // unloaded, but still answering
  std::condition_variable_any wake_;
  std::jthread idle_thread_;  // last
};

}  // namespace maru::serving
