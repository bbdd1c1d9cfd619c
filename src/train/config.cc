#include "train/config.h"

#include <fmt/format.h>

#include "models/reward_model.h"

namespace maru::train {
namespace {

[[noreturn]] void misfit(const std::string& message) {
  throw Failure(ErrorCode::kInvalidArgument, "recipe: " + message);
}

/// The settings of a method are there with it, and with no other.
template <class T>
void resolve_settings(const TrainConfig& c, std::optional<T>& settings, const char* name, const char* method) {
  if (c.method == method && !settings) settings.emplace();
  if (c.method != method && settings)
    misfit(fmt::format("{}: is of method {}, method is {}", name, method, c.method.empty() ? "next_token" : c.method));
}

void resolve_method(TrainConfig& c) {
  if (c.method == "next_token") c.method.clear();  // recipes of before have no such field
  resolve_settings(c, c.preference, "preference", "dpo");
  resolve_settings(c, c.kto, "kto", "kto");
  resolve_settings(c, c.orpo, "orpo", "orpo");
  resolve_settings(c, c.cpo, "cpo", "cpo");
  resolve_settings(c, c.reward, "reward", "reward");
  if (c.method.empty()) return;
  if (c.preference) check(*c.preference);
  if (c.cpo) check(*c.cpo);
  if (c.reward && !c.lora) c.model.tie_word_embeddings = true;  // the head, which is tied or not, is not part of it
  if (c.reward) reward_config_to_hugging_face(c.model, c.dtype);
  if (c.init_from.empty())
    misfit(fmt::format("method is {}: init_from is missing, the model that is tuned{}", c.method,
                       c.preference || c.kto ? " and the reference" : ""));
  if (c.micro_batch_tokens < 2 * c.sequence_length)
    misfit(fmt::format("micro_batch_tokens {} is less than {}, 2 x sequence_length {}", c.micro_batch_tokens,
                       c.kto ? "two answers" : "a pair of answers", c.sequence_length));
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
