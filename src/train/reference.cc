#include "train/reference.h"

#include <algorithm>

#include "base/map_guard.h"
#include "base/progress.h"
#include "models/model_files.h"
#include "models/weights.h"
#include "ops/elementwise.h"
#include "train/numbers.h"
#include "train/objectives/answers.h"
#include "train/objectives/token_losses.h"

namespace maru::train {
namespace {

// A model that is trained would record what its gradients need; one that is not is asked as it is in training.
Tensor losses_of_start(const MethodInputs& in, Context& ctx, const MicroBatch& micro) {
  const Batch batch = micro.builder.batch(ctx);
  const Tensor targets = ctx.upload(micro.targets.data(), {std::ssize(micro.targets), 1}, Dtype::kI32);
  if (in.adapter != nullptr) return losses_of_reference(ctx, *in.model, batch, targets);
  return losses_of_policy(ctx, *in.model, in.model->forward(ctx, batch), targets);
}

/// Losses of the tokens that count, of each of the examples in the micro-batch.
std::vector<std::vector<float>> by_example(const MicroBatch& micro, int64_t answers,
                                           const std::vector<double>& losses) {
  std::vector<std::vector<float>> all;
  const std::vector<Batch::Sequence>& sequences = micro.builder.sequences();
  for (size_t i = 0; i < sequences.size(); ++i) {
    if (i % static_cast<size_t>(answers) == 0) all.emplace_back();
    for_targets(micro.targets, sequences[i],
                [&](size_t row) { all.back().push_back(static_cast<float>(losses[row])); });
  }
  return all;
}

int64_t examples_within(const AnswerSet& examples, int64_t most_tokens) {
  int64_t count = 0;
  for (int64_t seen = 0; count < examples.size() && seen < most_tokens; ++count) seen += examples.tokens(count);
  return count;
}

}  // namespace

std::unique_ptr<Decoder> load_reference(const MethodInputs& inputs, bool moves) {
  const Dtype dtype = parse_dtype(inputs.config.dtype);
  check_room(inputs.device, {.held = {.models = bytes_of_stored(inputs.config.init_from, dtype)}});
  std::unique_ptr<Decoder> reference;
  if (moves) {
    reference = std::make_unique<Decoder>(inputs.config.model, dtype);
    allocate_values(*reference);
    reference->load(inputs.config.init_from);
  } else {
    reference = load_model(inputs.config.init_from, dtype);
  }
  place(inputs.device, *reference);
  return reference;
}

void mix_into(StepMemory& memory, Device& device, Model& reference, Model& model, double alpha) {
  const std::vector<Parameter*>&to = reference.parameters(), &from = model.parameters();
  CHECK(to.size() == from.size());
  for (size_t i = 0; i < to.size(); ++i) {
    CHECK(to[i]->name == from[i]->name && to[i]->shape == from[i]->shape);
    memory.run([&](Context& ctx) {
      const Tensor mixed = add_scaled(ctx, scale(ctx, to[i]->value, 1 - alpha), from[i]->value, alpha);
      if (!ctx.arena.dry()) device.copy(to[i]->value, mixed);
    });
  }
}

void compute_known_losses(const MethodInputs& in, const Preparation& preparation, const AnswerSet& examples,
                          int64_t most_tokens, KnownLosses& known) {
  const int64_t wanted = examples_within(examples, most_tokens);
  if (known.size() >= wanted) return;
  Progress progress(preparation.watch, "reference", static_cast<uint64_t>(wanted), examples.form().words());
  std::vector<int32_t> scratch;
  while (known.size() < wanted) {
    preparation.watch.throw_if_cancelled();
    MicroBatch micro;
    for (int64_t i = known.size(); i < wanted; ++i) {
      if (micro.counted > 0 && micro.builder.num_tokens() + examples.tokens(i) > in.config.micro_batch_tokens) break;
      examples.append(micro, i, scratch);
    }
    check_mapped_files();
    std::vector<double> losses;
    preparation.memory.run([&](Context& ctx) {
      const Tensor rows = losses_of_start(in, ctx, micro);
      if (!ctx.arena.dry()) losses = numbers_of(rows);
    });
    check_mapped_files();
    known.append(by_example(micro, examples.form().answers, losses));
    progress.update(static_cast<uint64_t>(known.size()));
  }
}

}  // namespace maru::train
