#include "models/reward_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "base/json_node.h"
#include "models/model_files.h"
#include "models/registry.h"
#include "models/weight_source.h"
#include "models/weights.h"
#include "ops/pooling.h"

namespace maru {
namespace {

constexpr const char* kScore = "score.weight";

void check_labels(const JsonNode& config) {
  const JsonNode labels = config["id2label"], number = config["num_labels"];
  const size_t count = labels.is_object() ? labels.members().size() : 2;  // transformers' default
  if (count != 1 && !(labels.is_null() && number.json() == 1))
    config.unsupported(fmt::format("a score of {} labels", count));
}

void check_sequence(const DecoderConfig& c, std::span<const int32_t> tokens, size_t i) {
  const auto size = static_cast<int64_t>(tokens.size());
  if (size < 1 || size > c.max_position_embeddings)
    throw Failure(ErrorCode::kInvalidArgument, fmt::format("[score] sequence {} has {} tokens, expected 1 to {}", i,
                                                           size, c.max_position_embeddings));
  for (const int32_t token : tokens)
    if (token < 0 || token >= c.vocab_size)
      throw Failure(ErrorCode::kInvalidArgument,
                    fmt::format("[score] sequence {} has token {}, expected 0 to {}", i, token, c.vocab_size - 1));
}

void score_batch(StepMemory& memory, RewardModel& model, const BatchBuilder& builder, std::vector<double>& scores) {
  memory.run([&](Context& ctx) {
    const Tensor y = model.forward(ctx, builder.batch(ctx));
    if (ctx.arena.dry()) return;
    const Tensor host = to_host(y);
    for (int64_t i = 0; i < host.size(); ++i)
      scores.push_back(host.dtype() == Dtype::kF64 ? host.data<double>()[i]
                                                   : static_cast<double>(host.data<float>()[i]));
  });
}

}  // namespace

RewardModel::RewardModel(Decoder& decoder) : Model(decoder.dtype()), decoder_(decoder) { name_parameters(); }

RewardModel::RewardModel(std::unique_ptr<Decoder> decoder)
    : Model(decoder->dtype()), own_(std::move(decoder)), decoder_(*own_) {
  name_parameters();
}

void RewardModel::visit(const Visitor& visitor) {
  for (Parameter* p : decoder_.parameters())
    if (p->role != ParameterRole::kHead) visitor(std::string(p->name), *p, p->shape, p->role);
  visitor(kScore, score_, {1, decoder_.config().hidden_size}, ParameterRole::kHead);
}

Tensor RewardModel::forward(Context& ctx, const Batch& batch) {
  return project(ctx, pool(ctx, decoder_.forward(ctx, batch), batch.key_spans, Pooling::kLast), score_);
}

void RewardModel::initialise_score(uint64_t seed) {
  score_.value = host_tensor(score_.shape, dtype());
  fill_normal(score_, decoder_.config().initializer_range, seed);
}

Json reward_config_to_hugging_face(const DecoderConfig& config, const std::string& torch_dtype) {
  const Family& family = family_of(config);
  if (family.scorer.empty())
    throw Failure(ErrorCode::kUnimplemented,
                  fmt::format("model: transformers has no class of {} with a score in place of the head", family.name));
  Json json = config_to_hugging_face(config, torch_dtype);
  json["architectures"] = {family.scorer};
  json["id2label"] = {{"0", "LABEL_0"}};
  json["label2id"] = {{"LABEL_0", 0}};
  return json;
}

namespace {

/// The same values without the head, which nobody has trained.
std::unique_ptr<Decoder> without_head(Decoder& decoder) {
  DecoderConfig config = decoder.config();
  config.tie_word_embeddings = true;
  std::map<std::string_view, const Parameter*> values;
  for (const Parameter* p : decoder.parameters()) values[p->name] = p;
  auto bare = std::make_unique<Decoder>(config, decoder.dtype());
  for (Parameter* p : bare->parameters()) p->value = values.at(p->name)->value;
  return bare;
}

}  // namespace

void RewardModel::save(const fs::path& directory) {
  Json config = reward_config_to_hugging_face(decoder_.config(), torch_dtype_of(*this));
  if (pad_token_id) config["pad_token_id"] = *pad_token_id;
  fs::create_directories(directory);
  const bool has_head = std::ranges::any_of(decoder_.parameters(),
                                            [](const Parameter* p) { return p->role == ParameterRole::kHead; });
  const auto bare = has_head ? without_head(decoder_) : nullptr;
  save_weights(bare ? *bare : decoder_, directory / "model.safetensors", {{kScore, score_.value}});
  write_json(directory / "config.json", config);
}

void RewardModel::load(const fs::path& directory) {
  const std::unique_ptr<RewardModel> stored = load_reward_model(directory, dtype());
  const std::vector<Parameter*>&from = stored->parameters(), &to = parameters();
  for (size_t i = 0; i < to.size(); ++i) {
    if (i >= from.size() || from[i]->name != to[i]->name || from[i]->shape != to[i]->shape)
      throw Failure(ErrorCode::kDataLoss, directory.string() + ": has no tensor for " + to[i]->name + " of this shape");
    upload(to[i]->value, from[i]->value.data<std::byte>());
  }
}

std::unique_ptr<RewardModel> load_reward_model(const fs::path& directory, std::optional<Dtype> dtype) {
  WeightSource source(directory);
  Json json = source.config();
  json["architectures"] = {find_family_of_scorer(architecture_in(json), source.config_name()).name};
  check_labels({json, source.config_name()});
  DecoderConfig config = config_from_hugging_face(json, source.config_name());
  config.tie_word_embeddings = true;  // what was tied or not is the head, which is not there
  const Dtype wanted = dtype ? *dtype : stored_dtype(source);
  Parameter score;
  source.load(score, kScore, ParameterRole::kHead, {1, config.hidden_size}, wanted);
  auto model = std::make_unique<RewardModel>(load_decoder(source, config, wanted));
  model->score().value = score.value;
  if (const JsonNode pad = JsonNode(json, source.config_name())["pad_token_id"]; !pad.is_null())
    model->pad_token_id = pad.integer();
  return model;
}

std::vector<double> scores_of(StepMemory& memory, RewardModel& model, std::span<const std::vector<int32_t>> sequences,
                              int64_t most_tokens) {
  BatchBuilder builder;
  std::vector<double> scores;
  for (size_t i = 0; i < sequences.size(); ++i) {
    check_sequence(model.decoder().config(), sequences[i], i);
    const auto size = static_cast<int64_t>(sequences[i].size());
    if (builder.num_tokens() > 0 && builder.num_tokens() + size > most_tokens) {
      score_batch(memory, model, builder, scores);
      builder.clear();
    }
    builder.add(sequences[i]);
  }
  if (builder.num_tokens() > 0) score_batch(memory, model, builder, scores);
  return scores;
}

}  // namespace maru
