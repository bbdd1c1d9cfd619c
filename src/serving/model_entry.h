// What a host keeps of each name; its own.
#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/unix_time.h"
#include "serving/model_host.h"

namespace maru::serving {

/// A name that answers: a model, an encoder, an adapter, or an offer that is in memory as one of these or not at all.
struct ModelHost::Entry {
  struct Offer {
    ModelSource source;
    StoredModel stored;
    Device* device;
  };
  std::string id;
  std::shared_ptr<const ServedModel> model;
  std::shared_ptr<const ServedEncoder> encoder;
  std::optional<Offer> offer;
  AdapterSource adapter;  // where an adapter came from
  int64_t created = unix_seconds();
  infer::EngineStats before;  // totals of engines that were unloaded
  Clock::time_point used = Clock::now();

  bool is_adapter() const { return model != nullptr && !model->parent().empty(); }
  bool is_encoder() const { return encoder != nullptr || (offer && offer->stored.encoder); }
  bool in_memory() const { return model != nullptr || encoder != nullptr; }
  int64_t bytes() const { return model != nullptr ? model->bytes() : encoder != nullptr ? encoder->bytes() : 0; }
  ServedName name() const {
    ServedName name{.id = id, .created = created, .encoder = is_encoder()};
    if (offer) {
      name.loaded = in_memory();
      name.facts = offer->stored.facts;
      name.max_context = name.facts.context_length;
    }
    if (model != nullptr) {
      name.parent = model->parent();
      name.facts = model->facts();
      name.max_context = model->limits().max_context;
    }
    if (model != nullptr) name.fingerprint = model->fingerprint();
    name.bytes = in_memory() ? bytes() : offer->stored.bytes;
    if (encoder != nullptr) name.facts.context_length = name.max_context = encoder->max_tokens();
    return name;
  }
  /// Nobody holds it but this entry.
  bool idle() const { return model != nullptr ? model.use_count() == 1 : encoder.use_count() == 1; }
};

/// What was unloaded: in memory as long as somebody reads its answers.
struct ModelHost::Leaving {
  std::weak_ptr<const void> what;
  int64_t bytes = 0;
  std::string id{};             // of a model that is not listed any more; empty: it is
  infer::EngineStats totals{};  // of that one, which are still told
};

inline void add_totals(infer::EngineStats& to, const infer::EngineStats& more) {
  to.preemptions += more.preemptions;
  to.prompt_tokens += more.prompt_tokens;
  to.generated_tokens += more.generated_tokens;
  to.reused_tokens += more.reused_tokens;
  to.drafted_tokens += more.drafted_tokens;
  to.accepted_tokens += more.accepted_tokens;
}

}  // namespace maru::serving
