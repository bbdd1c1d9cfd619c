#include "tune/rollouts.h"

#include <algorithm>

#include "infer/decoder_runner.h"
#include "infer/engine.h"
#include "nn/kv_cache.h"

namespace maru::tune {
namespace {

constexpr int64_t kMostRunning = 64;  // answers computed together: more are hardly faster and take more pages

int64_t answers_of(std::span<const RolloutRequest> requests) {
  int64_t answers = 0;
  for (const RolloutRequest& request : requests) answers += request.answers;
  return answers;
}

// End tokens are said with the others: they are learnt, too.
infer::GenerationRequest generation_of(const RolloutRequest& request, const RolloutOptions& options) {
  infer::GenerationRequest generation;
  generation.prompt = request.prompt;
  generation.sampling.temperature = options.temperature;
  generation.sampling.top_logprobs = 0;
  generation.seed = request.seed;
  generation.max_tokens = options.max_tokens;
  generation.choices = request.answers;
  generation.stop_tokens = options.end_tokens;
  generation.ignore_eos = true;
  generation.keeps_stop = true;
  generation.shows_special = true;
  generation.continues_prompt = false;
  return generation;
}

std::vector<Rollout> read(infer::Generation& generation, int64_t answers) {
  std::vector<Rollout> rollouts(static_cast<size_t>(answers));
  infer::Piece piece;
  for (auto next = generation.wait_next(piece); next != infer::Generation::Next::kEnd;
       next = generation.wait_next(piece)) {
    if (next == infer::Generation::Next::kFailed) throw Failure(generation.error());
    Rollout& rollout = rollouts[static_cast<size_t>(piece.choice)];
    for (const infer::ScoredToken& token : piece.tokens) {
      rollout.tokens.push_back(token.token);
      rollout.logprobs.push_back(token.logprob.value());
    }
    if (!piece.finish) continue;
    rollout.ended = *piece.finish == infer::FinishReason::kStop;
    CHECK(piece.num_tokens == std::ssize(rollout.tokens));
  }
  return rollouts;
}

}  // namespace

int64_t Rollouts::cache_bytes(int64_t longest_prompt, int64_t running) const {
  return running * pages_for(longest_prompt + options_.max_tokens) *
         static_cast<int64_t>(model_.cache_shape(false).page_bytes());
}

// A step of the engine is tried dry: chunks of prompts, and logits of every answer.
size_t Rollouts::planned_bytes(int64_t longest_prompt, int64_t answers) const {
  const int64_t running = std::min(answers, kMostRunning);
  Arena dry = Arena::dry_run();
  Context ctx{device_, dry};
  if (adapter_ != nullptr) ctx.adapters = &adapter_->everywhere();
  BatchBuilder builder;
  const int64_t tokens = std::min(infer::EngineOptions{}.step_tokens, running * longest_prompt);
  for (int64_t left = tokens; left > 0; left -= longest_prompt)
    builder.add(std::vector<int32_t>(static_cast<size_t>(std::min(left, longest_prompt))));
  const Tensor hidden = model_.forward(ctx, builder.batch(ctx));
  model_.logits(ctx, hidden.rows_from(0, std::min(running, tokens)));
  return static_cast<size_t>(cache_bytes(longest_prompt, running)) + dry.peak();
}

std::vector<std::vector<Rollout>> Rollouts::sample(std::span<const RolloutRequest> requests) {
  std::vector<std::vector<Rollout>> all;
  if (requests.empty()) return all;
  const int64_t answers = answers_of(requests), running = std::min(answers, kMostRunning);
  size_t longest = 0;
  for (const RolloutRequest& request : requests) longest = std::max(longest, request.prompt.size());
  infer::DecoderRunner runner(model_, device_, cache_bytes(static_cast<int64_t>(longest), running), adapter_);
  int64_t most_pieces = 0;
  for (const RolloutRequest& request : requests)
    most_pieces = std::max(most_pieces, request.answers * (options_.max_tokens + 1));
  infer::Engine engine(runner, tokenizer_,
                       {.max_running = running, .max_waiting = answers, .channel_pieces = most_pieces});
  std::vector<std::unique_ptr<infer::Generation>> generations;
  for (const RolloutRequest& request : requests) generations.push_back(engine.submit(generation_of(request, options_)));
  for (size_t i = 0; i < requests.size(); ++i) all.push_back(read(*generations[i], requests[i].answers));
  return all;
}

}  // namespace maru::tune
