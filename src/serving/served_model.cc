#include "serving/served_model.h"

#include <utility>

#include "base/unix_time.h"
#include "serving/tool_messages.h"

namespace maru::serving {
namespace {

ModelFacts with_adapter(ModelFacts facts, std::string adapter) {
  facts.adapter = std::move(adapter);
  return facts;
}

}  // namespace

ServedModel::Core::Core(ModelParts parts, infer::EngineOptions options, double timeout_seconds,
                        infer::EngineObserver* observer)
    : parts(std::move(parts)),
      timeout_seconds(timeout_seconds),
      engine(*this->parts.model, *this->parts.tokenizer, std::move(options), observer) {}

ServedModel::ServedModel(ModelParts parts, infer::EngineOptions options, double timeout_seconds,
                         infer::EngineObserver* observer)
    : core_(std::make_shared<const Core>(std::move(parts), std::move(options), timeout_seconds, observer)),
      id_(core_->parts.id),
      fingerprint_(core_->parts.fingerprint),
      created_(unix_seconds()),
      facts_(core_->parts.facts),
      identity_(core_->parts.identity),
      bytes_(core_->parts.bytes) {}

ServedModel::ServedModel(const ServedModel& model, AdapterParts adapter)
    : core_(model.core_),
      adapter_(std::move(adapter.weights)),
      id_(std::move(adapter.id)),
      parent_(model.id()),
      fingerprint_(std::move(adapter.fingerprint)),
      created_(unix_seconds()),
      facts_(with_adapter(model.facts_, std::move(adapter.adapter))),
      identity_(std::move(adapter.identity)),
      bytes_(adapter.bytes) {}

RequestLimits ServedModel::limits() const {
  return {.max_context = engine().max_context(),
          .vocab_size = core_->parts.model->vocab_size(),
          .timeout_seconds = core_->timeout_seconds};
}

ChatModel ServedModel::chat() const {
  const ModelParts& parts = core_->parts;
  return {.id = id_, .tokenizer = parts.tokenizer, .chat_template = parts.chat_template, .forms = parts.forms};
}

std::string ServedModel::next_call_id() const {
  const text::AnswerForms& forms = core_->parts.forms;
  const size_t size = forms.calls == nullptr ? 0 : forms.calls->id_characters;
  return size == 0 ? core_->call_ids.next("call_") : short_id(core_->call_ids.number(), size);
}

}  // namespace maru::serving
