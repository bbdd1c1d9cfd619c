#include "eval/score.h"

#include <fmt/format.h>

#include "base/map_guard.h"

namespace maru::eval {
namespace {

struct Packed {
  BatchBuilder builder;
  std::vector<int32_t> targets;
  std::vector<size_t> owners;  // request of each row

  void add(size_t owner, const ScoreRequest& request, int64_t context) {
    std::vector<int32_t> tokens = request.prompt;
    const int64_t excess = static_cast<int64_t>(tokens.size() + request.continuation.size()) - 1 - context;
    if (excess >= static_cast<int64_t>(tokens.size()))
      throw Failure(ErrorCode::kInvalidArgument,
                    fmt::format("score: a continuation of {} tokens does not fit into a context of {}",
                                request.continuation.size(), context));
    if (excess > 0) tokens.erase(tokens.begin() + 1, tokens.begin() + 1 + excess);
    const size_t first = tokens.size() - 1;
    tokens.insert(tokens.end(), request.continuation.begin(), request.continuation.end());
    for (size_t i = 0; i + 1 < tokens.size(); ++i) targets.push_back(i >= first ? tokens[i + 1] : -1);
    owners.insert(owners.end(), tokens.size() - 1, owner);
    tokens.pop_back();
    builder.add(tokens);
  }
};

void flush(StepMemory& memory, Decoder& model, Packed& packed, std::vector<double>& scores) {
  if (packed.targets.empty()) return;
  memory.run([&](Context& ctx) {
    const Batch batch = packed.builder.batch(ctx);
    const int64_t rows = batch.tokens.rows();
    const Tensor targets = ctx.upload(packed.targets.data(), {rows, 1}, Dtype::kI32),
                 losses = ctx.empty({rows, 1}, Dtype::kF32);
    model.loss(ctx, model.forward(ctx, batch), targets, 1, losses);
    if (ctx.arena.dry()) return;
    const Tensor read = to_host(losses);
    for (int64_t i = 0; i < rows; ++i)
      scores[packed.owners[static_cast<size_t>(i)]] -= static_cast<double>(read.data<float>()[i]);
  });
  check_mapped_files();
  packed = {};
}

}  // namespace

std::vector<double> score(StepMemory& memory, Decoder& model, const std::vector<ScoreRequest>& requests,
                          int64_t batch_tokens) {
  std::vector<double> scores(requests.size());
  Packed packed;
  for (size_t i = 0; i < requests.size(); ++i) {
    CHECK(!requests[i].prompt.empty());
    const int64_t size = static_cast<int64_t>(requests[i].prompt.size() + requests[i].continuation.size());
    if (packed.builder.num_tokens() + size > batch_tokens) flush(memory, model, packed, scores);
    packed.add(i, requests[i], model.config().max_position_embeddings);
  }
  flush(memory, model, packed, scores);
  return scores;
}

}  // namespace maru::eval
