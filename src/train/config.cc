#include "train/config.h"

#include <fmt/format.h>

namespace maru::train {
namespace {

[[noreturn]] void misfit(const std::string& message) {
  throw Failure(ErrorCode::kInvalidArgument, "recipe: " + message);
}

void resolve_distill(const TrainConfig& c) {
  const bool asked = c.method == "distill";
  if (!asked && c.distill)
    misfit(fmt::format("distill: is of method distill, method is {}", c.method.empty() ? "next_token" : c.method));
  if (!asked) return;
  if (!c.distill || c.distill->teacher.empty())
    misfit("method is distill: distill.teacher is missing, the model that is learnt from");
  if (c.distill->on_policy > 0)
    throw Failure(ErrorCode::kUnimplemented,
                  "recipe: distill.on_policy: answers that the student gives itself cannot be learnt from yet: 0");
}

void resolve_method(TrainConfig& c) {
  if (c.method == "next_token") c.method.clear();  // recipes of before have no such field
  resolve_distill(c);
  if (!learns_pairs(c)) {
    if (c.preference)
      misfit(fmt::format("preference: is of method dpo, method is {}", c.method.empty() ? "next_token" : c.method));
    return;
  }
  if (!c.preference) c.preference.emplace();
  check(*c.preference);
  if (c.init_from.empty()) misfit("method is dpo: init_from is missing, the model that is tuned and the reference");
  if (c.micro_batch_tokens < 2 * c.sequence_length)
    misfit(fmt::format("micro_batch_tokens {} is less than a pair of answers, 2 x sequence_length {}",
                       c.micro_batch_tokens, c.sequence_length));
}

}  // namespace

TrainConfig resolve(TrainConfig c, int64_t vocab_size) {
  if (c.model.vocab_size == 0) c.model.vocab_size = vocab_size;
  if (c.model.vocab_size < vocab_size)
    misfit(fmt::format("model.vocab_size is {}, the tokenizer has {} tokens", c.model.vocab_size, vocab_size));
  c.model = maru::resolve(c.model);
  config_to_hugging_face(c.model, c.dtype);  // refuses what could not be saved, before hours are spent on it
  if (c.sequence_length > c.model.max_position_embeddings)
    misfit(fmt::format("sequence_length {} is more than model.max_position_embeddings {}", c.sequence_length,
                       c.model.max_position_embeddings));
  if (c.micro_batch_tokens < c.sequence_length)
    misfit(
        fmt::format("micro_batch_tokens {} is less than sequence_length {}", c.micro_batch_tokens, c.sequence_length));
  if (c.batch_tokens % c.micro_batch_tokens != 0)
    misfit(fmt::format("batch_tokens {} is not a multiple of micro_batch_tokens {}", c.batch_tokens,
                       c.micro_batch_tokens));
  if (c.lora && c.init_from.empty()) misfit("lora: init_from is missing, the model that the adapter is for");
  if (c.validation.patience.value_or(0) > 0 && !c.validation.keeps_best())
    misfit("validation: patience stops a run that gets no better, so that its best is kept: keep_best is false");
  resolve_method(c);
  if ((c.steps > 0) + (c.minutes > 0) + (c.epochs > 0) != 1)
    misfit("expected exactly one of steps, minutes and epochs to be above 0");
  return c;
}

}  // namespace maru::train
