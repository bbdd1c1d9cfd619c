#include "serving/receipt_writer.h"

#include <utility>

#include "base/json.h"
#include "ledger/code_version.h"
#include "serving/model_host.h"

namespace maru::serving {
namespace {

template <class List>
std::string hash_of_list(const List& list) {
  return list.empty() ? "" : ledger::sha256_of_json(Json(list));
}

ledger::ReceiptSampling sampling_of(const infer::GenerationRequest& request, const ServedModel& model) {
  const infer::SamplingOptions& o = request.sampling;
  return {.temperature = o.temperature,
          .top_p = o.top_p,
          .min_p = o.min_p,
          .top_k = o.top_k,
          .presence_penalty = o.presence_penalty,
          .frequency_penalty = o.frequency_penalty,
          .repetition_penalty = o.repetition_penalty,
          .min_tokens = request.min_tokens,
          .ignore_eos = request.ignore_eos,
          .end_tokens_sha256 = hash_of_list(model.end_tokens()),
          .stop_sha256 = hash_of_list(request.stop),
          .stop_tokens_sha256 = hash_of_list(request.stop_tokens),
          .logit_bias_sha256 = hash_of_list(o.logit_bias),
          .allowed_tokens_sha256 = hash_of_list(o.allowed_tokens),
          .bad_words_sha256 = hash_of_list(o.bad_words)};
}

std::string hash_of(const std::optional<infer::AnswerConstraint>& constraint) {
  if (!constraint) return "";
  return ledger::sha256_of_json({{"grammar", constraint->grammar->digest()},
                                 {"reasoning_begin", constraint->reasoning_begin},
                                 {"reasoning_end", constraint->reasoning_end},
                                 {"in_reasoning", constraint->in_reasoning}});
}

ledger::ReceiptEngine engine_of(const ModelIdentity& identity, const text::AnswerForms& forms) {
  return {.version = std::string(ledger::code_version()),
          .isa = identity.isa,
          .dtype = identity.dtype,
          .kv_cache_dtype = identity.kv_cache_dtype,
          .tool_parser = forms.calls == nullptr ? "none" : std::string(forms.calls->name),
          .reasoning_parser = forms.reasoning == nullptr ? "none" : std::string(forms.reasoning->name)};
}

}  // namespace

ReceiptWriter::ReceiptWriter(ReceiptOrder order, const ServedModel& model,
                             const std::vector<infer::GenerationRequest>& prompts, const text::AnswerReading& reading)
    : order_(std::move(order)) {
  const ModelIdentity& identity = model.identity().value();
  const infer::GenerationRequest& first = prompts.front();
  receipt_.id = order_.id;
  receipt_.route = order_.route;
  receipt_.time = order_.time.value().text();
  receipt_.model = {.name = model.id(), .weights = identity.weights, .adapter = identity.adapter};
  receipt_.engine = engine_of(identity, model.chat().forms);
  receipt_.sampling = sampling_of(first, model);
  receipt_.constraint_sha256 = hash_of(first.constraint);
  receipt_.tools_sha256 = reading.tools_sha256;
  for (const infer::GenerationRequest& prompt : prompts) {
    const auto index = static_cast<int64_t>(receipt_.prompts.size());
    receipt_.prompts.push_back({.sha256 = infer::sha256_of_tokens(prompt.prompt),
                                .seed = {},
                                .num_tokens = static_cast<int64_t>(prompt.prompt.size()),
                                .max_tokens = prompt.max_tokens});
    for (int64_t i = 0; i < prompt.choices; ++i) {
      receipt_.choices.push_back({.prompt = index});
      texts_.emplace_back();
      if (static_cast<size_t>(index) < order_.echo.size())
        texts_.back().update(order_.echo[static_cast<size_t>(index)]);
    }
  }
  digests_.resize(texts_.size());
}

void ReceiptWriter::set_seed(size_t i, uint64_t seed) { receipt_.prompts.at(i).seed = std::to_string(seed); }

void ReceiptWriter::add(const infer::Piece& piece, bool called) {
  const auto i = static_cast<size_t>(piece.choice);
  texts_.at(i).update(piece.text);
  if (!piece.finish) return;
  CHECK(piece.digest != nullptr);
  ledger::ReceiptChoice& choice = receipt_.choices[i];
  choice.tokens_sha256 = piece.digest->sha256;
  choice.num_tokens = piece.num_tokens;
  choice.marks = piece.digest->marks;
  choice.text_sha256 = texts_[i].hex();
  choice.finish_reason = called ? "tool_calls" : std::string(infer::name_of(*piece.finish));
  digests_[i] = piece.digest;
}

Json ReceiptWriter::issue() const {
  for (const auto& digest : digests_) CHECK(digest != nullptr);
  return order_.receipts->issue(receipt_, digests_);
}

}  // namespace maru::serving
