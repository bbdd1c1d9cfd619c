// The models of one process: loaded within a budget of memory, each with its engine, all taking turns on the same
// cores.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "base/principal.h"
#include "base/turns.h"
#include "infer/engine.h"
#include "infer/loaded_model.h"
#include "serving/api_options.h"
#include "serving/chat_model.h"
#include "serving/fit.h"
#include "serving/ids.h"
#include "serving/model_facts.h"
#include "serving/served_encoder.h"
#include "text/chat/chat_template.h"
#include "text/tokenizer/tokenizer.h"

namespace maru::serving {

/// What serving needs of a model. What is pointed to must live as long as `owner`, or as the host where that is null.
struct ModelParts {
  infer::StepModel* model = nullptr;
  const text::Tokenizer* tokenizer = nullptr;
  const text::ChatTemplate* chat_template = nullptr;  // null: the model cannot chat
  std::string id;                                     // as clients name it
  std::vector<int32_t> end_tokens;
  text::AnswerForms forms;  // how it writes calls of tools and reasoning
  ModelFacts facts;
  int64_t bytes = 0;  // of memory, weights and pages together
  std::shared_ptr<void> owner;
};

/// A model with its engine. Thread-safe.
class ServedModel {
 public:
  ServedModel(ModelParts parts, infer::EngineOptions options, double timeout_seconds, infer::EngineObserver* observer);
  const std::string& id() const { return parts_.id; }
  int64_t created() const { return created_; }  // seconds since 1970
  const text::Tokenizer& tokenizer() const { return *parts_.tokenizer; }
  const ModelFacts& facts() const { return parts_.facts; }
  ChatModel chat() const;
  /// For a call of a tool, in the form that the model's template takes back.
  std::string next_call_id() const;
  int64_t bytes() const { return parts_.bytes; }
  infer::Engine& engine() const { return engine_; }
  RequestLimits limits() const;

 private:
  const ModelParts parts_;
  const int64_t created_;
  const double timeout_seconds_;
  mutable Ids call_ids_;
  mutable infer::Engine engine_;  // last, so that it ends first
};

struct HostOptions {
  int64_t max_running = 32, max_waiting = 128;  // choices of one model
  int64_t step_tokens = 512, channel_pieces = 256, draft_tokens = 0;
  bool prefix_cache = true, shared_prefixes = false;  // see infer::EngineOptions
  bool int8_cache = false;                            // keys and values in 8 bits
  int64_t cache_bytes = int64_t{1} << 30;             // of pages for one model
  int64_t memory_bytes = 0;                           // of all models together; 0: what the machine has
  std::optional<Dtype> dtype;
  double timeout_seconds = 600;
  std::string tool_parser = "auto", reasoning_parser = "auto";  // forms by name, "none", or as the template says
  ApiOptions api{};
};

/// A model to load. An empty id: the directory's name.
struct ModelSource {
  fs::path path, adapter;
  std::string id;
};

/// Throws   RequestFailure "model_not_found".
[[noreturn]] void no_such_model(const std::string& id);

/// Thread-safe.
class ModelHost {
 public:
  /// `observe` gives each model's engine somebody to tell what happens; empty: nobody. Must outlive the host.
  using Observe = std::function<infer::EngineObserver*(const std::string& id)>;
  explicit ModelHost(HostOptions options, Observe observe = {});

  /// Throws   kExists when there is one of that name; kExhausted when it does not fit into the budget.
  void add(ModelParts parts);
  /// Loads from disk onto `device`, which all models of this host share and which must outlive it.
  ///
  /// Throws   what LoadedModel and add throw.
  void load(const ModelSource& source, Device& device);
  /// Throws   kExists when there is a model of that name; kExhausted as add.
  void add(std::string id, std::unique_ptr<infer::LoadedEncoder> encoder);
  /// Null: not here.
  std::shared_ptr<const ServedModel> find(std::string_view id) const;
  /// Throws   RequestFailure "model_not_found".
  std::shared_ptr<const ServedModel> get(const std::string& id) const;
  /// The same for a model that this principal may not ask: it cannot tell what else is served.
  std::shared_ptr<const ServedModel> get(const std::string& id, const Principal& principal) const;
  /// In the order they were added.
  std::vector<std::shared_ptr<const ServedModel>> list() const;
  /// Text encoders. Throws   RequestFailure "model_not_found", also of a model that is none.
  std::shared_ptr<const ServedEncoder> get_encoder(const std::string& id, const Principal& principal) const;
  std::vector<std::shared_ptr<const ServedEncoder>> list_encoders() const;
  /// Of all engines together.
  infer::EngineStats stats() const;
  const HostOptions& options() const { return options_; }

 private:
  const HostOptions options_;
  const Observe observe_;
  Turns turns_;
  void check_room(const std::string& id, int64_t bytes) const;
  mutable std::mutex mutex_;  // guards what follows
  std::vector<std::shared_ptr<const ServedModel>> models_;
  std::vector<std::shared_ptr<const ServedEncoder>> encoders_;
};

}  // namespace maru::serving
