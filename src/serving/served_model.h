// A model of this process as requests see it: its text, its limits, its engine, and the adapter that it is seen
// through.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "infer/engine.h"
#include "models/adapter.h"
#include "serving/chat_model.h"
#include "serving/fit.h"
#include "serving/ids.h"
#include "serving/model_facts.h"
#include "serving/model_identity.h"

namespace maru::serving {

/// What serving needs of a model. What is pointed to must live as long as `owner`, or as the host where that is null.
struct ModelParts {
  infer::StepModel* model = nullptr;
  const text::Tokenizer* tokenizer = nullptr;
  const text::ChatTemplate* chat_template = nullptr;  // null: the model cannot chat
  infer::StepModel* draft_model = nullptr;            // guesses for it; null: none
  Decoder* decoder = nullptr;                         // what adapters are made for; null: it takes none
  std::string id;                                     // as clients name it
  std::string fingerprint;                            // see system_fingerprint; empty: none
  std::vector<int32_t> end_tokens;
  text::AnswerForms forms;  // how it writes calls of tools and reasoning
  ModelFacts facts;
  int64_t bytes = 0;                      // of memory, weights and pages together
  std::optional<ModelIdentity> identity;  // for receipts; none: it gives none
  std::shared_ptr<void> owner;
};

/// An adapter ready for one model.
struct AdapterParts {
  std::string id;       // as clients name it
  std::string adapter;  // its directory's name
  std::string fingerprint;
  std::shared_ptr<Adapter> weights;
  int64_t bytes = 0;
  std::optional<ModelIdentity> identity;  // of the model with it
};

/// A model with its engine, which it shares with those that see it through an adapter. Thread-safe.
class ServedModel {
 public:
  ServedModel(ModelParts parts, infer::EngineOptions options, double timeout_seconds, infer::EngineObserver* observer);
  /// `model` seen through an adapter.
  ServedModel(const ServedModel& model, AdapterParts adapter);
  const std::string& id() const { return id_; }
  /// The model beside whose weights its adapter stands; empty: it is itself a model.
  const std::string& parent() const { return parent_; }
  int64_t created() const { return created_; }  // seconds since 1970
  const text::Tokenizer& tokenizer() const { return *core_->parts.tokenizer; }
  const std::string& fingerprint() const { return fingerprint_; }
  const ModelFacts& facts() const { return facts_; }
  const std::optional<ModelIdentity>& identity() const { return identity_; }
  const std::vector<int32_t>& end_tokens() const { return core_->parts.end_tokens; }
  /// Of every answer; null: none, or the one that the engine was made with.
  const std::shared_ptr<Adapter>& adapter() const { return adapter_; }
  /// What adapters are made for; null: it takes none.
  Decoder* decoder() const { return core_->parts.decoder; }
  ChatModel chat() const;
  /// For a call of a tool, in the form that the model's template takes back.
  std::string next_call_id() const;
  /// Of memory; an adapter's are its own.
  int64_t bytes() const { return bytes_; }
  infer::Engine& engine() const { return core_->engine; }
  RequestLimits limits() const;

 private:
  struct Core {
    Core(ModelParts parts, infer::EngineOptions options, double timeout_seconds, infer::EngineObserver* observer);
    const ModelParts parts;
    const double timeout_seconds;
    mutable Ids call_ids;
    mutable infer::Engine engine;  // last, so that it ends first
  };
  const std::shared_ptr<const Core> core_;
  const std::shared_ptr<Adapter> adapter_;  // requests under way hold it too
  const std::string id_, parent_, fingerprint_;
  const int64_t created_;
  const ModelFacts facts_;
  const std::optional<ModelIdentity> identity_;
  const int64_t bytes_;
};

}  // namespace maru::serving
