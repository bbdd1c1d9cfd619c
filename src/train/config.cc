#include "train/config.h"

#include <fmt/format.h>

namespace maru::train {
namespace {

[[noreturn]] void misfit(const std::string& message) {
  throw Failure(ErrorCode::kInvalidArgument, "recipe: " + message);
}

void resolve_preference(TrainConfig& c) {
  if (!c.preference) c.preference.emplace();
  check(*c.preference);
  if (c.init_from.empty()) misfit("method is dpo: init_from is missing, the model that is tuned and the reference");
  if (c.micro_batch_tokens < 2 * c.sequence_length)
    misfit(fmt::format("micro_batch_tokens {} is less than a pair of answers, 2 x sequence_length {}",
                       c.micro_batch_tokens, c.sequence_length));
}

void resolve_group_policy(TrainConfig& c) {
  if (!c.group_policy) c.group_policy.emplace();
  const GroupPolicyConfig& g = *c.group_policy;
  check(g);
  if (c.init_from.empty()) misfit("method is grpo: init_from is missing, the model that is tuned");
  if (g.max_completion_length >= c.sequence_length)
    misfit(fmt::format("group_policy.max_completion_length {} leaves no room for a prompt in sequence_length {}",
                       g.max_completion_length, c.sequence_length));
  if (c.minutes > 0)
    misfit("minutes: how long answers take cannot be measured before they are learnt: expected steps or epochs");
  const double most = static_cast<double>(g.prompts_per_step) * static_cast<double>(g.num_generations) *
                      static_cast<double>(c.sequence_length);
  if (most > 1e10)
    misfit(fmt::format("group_policy: {} prompts of {} answers of {} tokens are more than 1e10 tokens a step",
                       g.prompts_per_step, g.num_generations, c.sequence_length));
  const auto batches = (static_cast<int64_t>(most) + c.micro_batch_tokens - 1) / c.micro_batch_tokens;
  c.batch_tokens = batches * c.micro_batch_tokens;  // what the answers of a step may fill
}

void resolve_method(TrainConfig& c) {
  if (c.method == "next_token") c.method.clear();  // recipes of before have no such field
  const std::string method = c.method.empty() ? "next_token" : c.method;
  if (c.preference && method != "dpo") misfit("preference: is of method dpo, method is " + method);
  if (c.group_policy && method != "grpo") misfit("group_policy: is of method grpo, method is " + method);
  if (method == "dpo") resolve_preference(c);
  if (method == "grpo") resolve_group_policy(c);
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
  if (c.lora && c.init_from.empty()) misfit("lora: init_from is missing, the model that the adapter is for");
  resolve_method(c);
  if (c.batch_tokens % c.micro_batch_tokens != 0)
    misfit(fmt::format("batch_tokens {} is not a multiple of micro_batch_tokens {}", c.batch_tokens,
                       c.micro_batch_tokens));
  if ((c.steps > 0) + (c.minutes > 0) + (c.epochs > 0) != 1)
    misfit("expected exactly one of steps, minutes and epochs to be above 0");
  return c;
}

}  // namespace maru::train
