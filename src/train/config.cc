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

void resolve_group_policy(TrainConfig& c) {
  const GroupPolicyConfig& g = *c.group_policy;
  check(g);
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

void resolve_on_policy(const TrainConfig& c) {
  const DistillConfig& d = *c.distill;
  if (d.on_policy == 0 && d.max_completion_length)
    misfit("distill.max_completion_length: is of answers that the student gives itself, distill.on_policy is 0");
  if (d.on_policy == 0 && d.sampling_temperature)
    misfit("distill.sampling_temperature: is of answers that the student gives itself, distill.on_policy is 0");
  if (d.on_policy == 0) return;
  if (d.next_token > 0)
    misfit("distill.next_token: says nothing of answers that the student gives itself (distill.on_policy): expected 0");
  if (const int64_t most = d.max_completion_length.value_or(DistillConfig::kMaxCompletionLength);
      most >= c.sequence_length)
    misfit(fmt::format("distill.max_completion_length {} leaves no room for a prompt in sequence_length {}", most,
                       c.sequence_length));
  if (c.minutes > 0)
    misfit("minutes: how long answers take cannot be measured before they are learnt: expected steps or epochs");
}

void resolve_distill(const TrainConfig& c) {
  if (c.distill->teacher.empty())
    misfit("method is distill: distill.teacher is missing, the model that is learnt from");
  resolve_on_policy(c);
}

// As in TRL.
void check_reference(const TrainConfig& c) {
  const PreferenceConfig& p = *c.preference;
  if (!p.syncs() && p.ref_model_mixup_alpha)
    misfit("preference.ref_model_mixup_alpha: is of sync_ref_model, which is false");
  if (!p.syncs() && p.ref_model_sync_steps)
    misfit("preference.ref_model_sync_steps: is of sync_ref_model, which is false");
  if (p.syncs() && p.precomputes())
    misfit("preference.precompute_ref_log_probs: is of a reference that does not change, sync_ref_model is true");
  if (p.syncs() && c.lora)
    misfit(
        "preference.sync_ref_model: beside an adapter (lora) the reference is the model without it, which stays as it "
        "is");
}

// Two queries with a document each.
void resolve_embed(const TrainConfig& c) {
  if (!c.encoder) config_to_hugging_face(c.model, c.dtype);  // also without a head of its own
  if (c.embed->pooling == "cls" && !c.encoder)
    misfit("embed.pooling: the first token of a decoder knows nothing of those behind it: expected mean or lasttoken");
  if (c.micro_batch_tokens < 4 * c.sequence_length)
    misfit(
        fmt::format("micro_batch_tokens {} is less than four texts, 4 x sequence_length {}: the documents of a "
                    "micro-batch are what a query's own is told from",
                    c.micro_batch_tokens, c.sequence_length));
}

void resolve_method(TrainConfig& c) {
  if (c.method == "next_token") c.method.clear();  // recipes of before have no such field
  resolve_settings(c, c.preference, "preference", "dpo");
  resolve_settings(c, c.kto, "kto", "kto");
  resolve_settings(c, c.orpo, "orpo", "orpo");
  resolve_settings(c, c.cpo, "cpo", "cpo");
  resolve_settings(c, c.reward, "reward", "reward");
  resolve_settings(c, c.group_policy, "group_policy", "grpo");
  resolve_settings(c, c.distill, "distill", "distill");
  resolve_settings(c, c.embed, "embed", "embed");
  resolve_settings(c, c.rank, "rank", "rank");
  if (c.method.empty()) return;
  if (c.distill) return resolve_distill(c);
  if (c.preference) check(*c.preference), check_reference(c);
  if (c.cpo) check(*c.cpo);
  if ((c.reward || c.embed || c.rank) && !c.lora)
    c.model.tie_word_embeddings = true;  // the head, which is tied or not, is not part of it
  if ((c.reward || c.embed || c.rank) && c.lora)
    for (const std::string& module : c.lora->modules_to_save)
      if (module == "lm_head")
        misfit(fmt::format("lora.modules_to_save: {}: a model of method {} has no head", module, c.method));
  if (c.reward || (c.rank && !c.encoder)) reward_config_to_hugging_face(c.model, c.dtype);
  if (c.init_from.empty())
    misfit(fmt::format("method is {}: init_from is missing, the model that is tuned{}", c.method,
                       c.preference || c.kto ? " and the reference" : ""));
  if (c.group_policy) return resolve_group_policy(c);
  if (c.embed) return resolve_embed(c);
  if (c.micro_batch_tokens < 2 * c.sequence_length)
    misfit(fmt::format("micro_batch_tokens {} is less than {}, 2 x sequence_length {}", c.micro_batch_tokens,
                       c.kto    ? "two answers"
                       : c.rank ? "two documents with their query"
                                : "a pair of answers",
                       c.sequence_length));
}

}  // namespace

bool makes_adapter(const TrainConfig& c) {  // also before it is resolved
  return c.lora && c.method != "embed" && c.method != "rank";
}

namespace {

void resolve_decoder(TrainConfig& c, int64_t vocab_size) {
  if (c.model.vocab_size == 0) c.model.vocab_size = vocab_size;
  if (c.model.vocab_size < vocab_size)
    misfit(fmt::format("model.vocab_size is {}, the tokenizer has {} tokens", c.model.vocab_size, vocab_size));
  c.model = maru::resolve(c.model);
  config_to_hugging_face(c.model, c.dtype);  // refuses what could not be saved, before hours are spent on it
  if (c.sequence_length > c.model.max_position_embeddings)
    misfit(fmt::format("sequence_length {} is more than model.max_position_embeddings {}", c.sequence_length,
                       c.model.max_position_embeddings));
}

void resolve_encoder(const TrainConfig& c, int64_t vocab_size) {
  if (c.method != "embed" && c.method != "rank")
    throw Failure(ErrorCode::kUnimplemented,
                  fmt::format("recipe: init_from: is an encoder, which only method=embed and method=rank can train: {}",
                              c.init_from));
  if (c.recompute) throw Failure(ErrorCode::kUnimplemented, "recipe: recompute: is not there for encoders yet");
  if (c.lora && !c.lora->modules_to_save.empty())
    throw Failure(ErrorCode::kUnimplemented, "recipe: lora.modules_to_save: is not there for encoders yet");
  if (c.encoder->num_labels > 0 && c.method == "embed")
    misfit("init_from: scores texts, and makes no vectors: " + c.init_from);
  if (c.encoder->num_labels > 1)
    misfit(fmt::format("init_from: gives {} scores to a text, a reranker gives one: {}", c.encoder->num_labels,
                       c.init_from));
  if (c.encoder->vocab_size < vocab_size)
    misfit(fmt::format("the encoder has {} tokens, the tokenizer {}", c.encoder->vocab_size, vocab_size));
  if (c.sequence_length > c.encoder->max_tokens())
    misfit(fmt::format("sequence_length {} is more than the {} tokens that the encoder reads", c.sequence_length,
                       c.encoder->max_tokens()));
}

}  // namespace

TrainConfig resolve(TrainConfig c, int64_t vocab_size) {
  if (c.encoder)
    resolve_encoder(c, vocab_size);
  else
    resolve_decoder(c, vocab_size);
  if (c.micro_batch_tokens < c.sequence_length)
    misfit(
        fmt::format("micro_batch_tokens {} is less than sequence_length {}", c.micro_batch_tokens, c.sequence_length));
  if (c.lora && c.init_from.empty()) misfit("lora: init_from is missing, the model that the adapter is for");
  resolve_method(c);
  if (c.batch_tokens % c.micro_batch_tokens != 0)
    misfit(fmt::format("batch_tokens {} is not a multiple of micro_batch_tokens {}", c.batch_tokens,
                       c.micro_batch_tokens));
  if (c.validation.patience.value_or(0) > 0 && !c.validation.keeps_best())
    misfit("validation: patience stops a run that gets no better, so that its best is kept: keep_best is false");
  if ((c.steps > 0) + (c.minutes > 0) + (c.epochs > 0) != 1)
    misfit("expected exactly one of steps, minutes and epochs to be above 0");
  return c;
}

}  // namespace maru::train
