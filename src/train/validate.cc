#include "train/validate.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/json.h"
#include "base/map_guard.h"
#include "train/loader.h"

namespace maru::train {
namespace {

// Adds the batch's loss in f64, row by row, so that the sum does not depend on how documents were batched.
void score(StepMemory& memory, Decoder& model, MicroBatch& micro, ValidationResult& result) {
  if (micro.targets.empty()) return;
  memory.run([&](Context& ctx) {
    const Batch batch = micro.builder.batch(ctx);
    const int64_t rows = batch.tokens.rows();
    const Tensor targets = ctx.upload(micro.targets.data(), {rows, 1}, Dtype::kI32);
    const Tensor losses = ctx.empty({rows, 1}, Dtype::kF32);
    model.loss(ctx, model.forward(ctx, batch), targets, 1, losses);
    if (ctx.arena.dry()) return;
    const Tensor read = to_host(losses);
    for (int64_t i = 0; i < rows; ++i) result.nats += static_cast<double>(read.data<float>()[i]);
  });
  check_mapped_files();
  result.tokens += micro.counted;
  micro.clear();
}

// The first `context` targets of the newest piece were counted in the window before.
void forget_context(MicroBatch& batch, int64_t rows, int64_t context) {
  const auto begin = batch.targets.end() - rows;
  for (auto it = begin; it != begin + context; ++it) {
    batch.counted -= *it >= 0;
    *it = -1;
  }
}

}  // namespace

double ValidationResult::loss() const { return nats / static_cast<double>(std::max<int64_t>(1, tokens)); }
std::optional<double> ValidationResult::bits_per_byte() const {
  if (!has_text()) return std::nullopt;
  return nats / std::numbers::ln2 / static_cast<double>(bytes);
}
std::optional<double> ValidationResult::perplexity() const {
  return has_text() ? std::optional(std::exp(loss())) : std::nullopt;
}

Json number_or_null(const std::optional<double>& number) { return number ? Json(*number) : Json(nullptr); }

ValidationResult validate(StepMemory& memory, Decoder& model, const formats::TokenDataset& held_out,
                          int64_t sequence_length, int64_t batch_tokens, int64_t most_tokens, int64_t overlap,
                          const std::function<void(int64_t tokens)>& progress) {
  overlap = std::min(overlap, sequence_length - 1);
  ValidationResult result;
  MicroBatch batch;
  std::vector<int32_t> scratch;
  int64_t seen = 0;
  for (int64_t d = 0; d < held_out.num_documents() && seen < most_tokens; ++d) {
    const formats::TokenDocument document = held_out.document(d);
    for (int64_t at = 0; at + 1 < document.tokens.size(); at += sequence_length - overlap) {
      const int64_t count = std::min(sequence_length, document.tokens.size() - at);
      if (batch.builder.num_tokens() + count > batch_tokens) {
        score(memory, model, batch, result);
        if (progress) progress(result.tokens);
      }
      append_document_piece(batch, document, at, count, scratch);
      if (at > 0) forget_context(batch, count, std::min(overlap, count));
      if (at + count >= document.tokens.size()) break;
    }
    seen += document.tokens.size();
    result.bytes += document.source_bytes;
  }
  score(memory, model, batch, result);
  return result;
}

}  // namespace maru::train
