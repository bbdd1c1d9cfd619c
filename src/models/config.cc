#include "models/config.h"

#include <fmt/format.h>

namespace maru {
namespace {

[[noreturn]] void misfit(const std::string& message) {
  throw Failure(ErrorCode::kInvalidArgument, "model: " + message);
}

// A key of config.json, or the default.
template <class T>
T get(const Json& json, const char* key, T otherwise, const std::string& where) {
  const auto it = json.find(key);
  if (it == json.end() || it->is_null()) return otherwise;
  try {
    return it->template get<T>();
  } catch (const nlohmann::json::exception&) {
    throw Failure(ErrorCode::kInvalidArgument, fmt::format("{}: {}: unexpected type, got {}", where, key, it->dump()));
  }
}

struct Architecture {
  std::string_view name, model_type;
  bool qk_norm;
};

constexpr std::array<Architecture, 2> kArchitectures{
    {{"LlamaForCausalLM", "llama", false}, {"Qwen3ForCausalLM", "qwen3", true}}};

const Architecture& find_architecture(const Json& json, const std::string& where) {
  const auto it = json.find("architectures");
  const std::string name = it != json.end() && it->is_array() && !it->empty() && it->front().is_string()
                               ? it->front().get<std::string>()
                               : "";
  for (const Architecture& a : kArchitectures)
    if (a.name == name) return a;
  throw Failure(ErrorCode::kUnimplemented,
                where + ": architectures: expected LlamaForCausalLM or Qwen3ForCausalLM, got \"" + name + "\"");
}

// Features that would change the numbers if they were ignored.
void refuse_unsupported(const Json& json, const std::string& where) {
  for (const char* key : {"attention_bias", "mlp_bias", "use_sliding_window"})
    if (get<bool>(json, key, false, where))
      throw Failure(ErrorCode::kUnimplemented, where + ": " + key + " is not supported");
  const auto scaling = json.find("rope_scaling");
  if (scaling != json.end() && !scaling->is_null())
    throw Failure(ErrorCode::kUnimplemented, where + ": rope_scaling is not supported");
  if (const auto act = get<std::string>(json, "hidden_act", "silu", where); act != "silu")
    throw Failure(ErrorCode::kUnimplemented, where + ": hidden_act: expected silu, got \"" + act + "\"");
}

}  // namespace

double DecoderConfig::attention_scale() const {
  return attention_multiplier != 0 ? attention_multiplier : 1 / std::sqrt(static_cast<double>(head_dim));
}

DecoderConfig resolve(DecoderConfig c) {
  if (c.head_dim == 0) {
    if (c.hidden_size % c.num_attention_heads != 0)
      misfit(fmt::format("hidden_size {} is not a multiple of num_attention_heads {}", c.hidden_size,
                         c.num_attention_heads));
    c.head_dim = c.hidden_size / c.num_attention_heads;
  }
  if (c.head_dim % 2 != 0 || c.head_dim > 256)
    misfit(fmt::format("head_dim is {}, expected an even number up to 256", c.head_dim));
  if (c.num_attention_heads % c.num_key_value_heads != 0)
    misfit(fmt::format("num_attention_heads {} is not a multiple of num_key_value_heads {}", c.num_attention_heads,
                       c.num_key_value_heads));
  if (c.vocab_size < 1) misfit("vocab_size is 0");
  return c;
}

int64_t count_matmul_parameters(const DecoderConfig& c) {
  const int64_t q = c.num_attention_heads * c.head_dim, kv = c.num_key_value_heads * c.head_dim;
  const int64_t block = c.hidden_size * (2 * q + 2 * kv) + 3 * c.hidden_size * c.intermediate_size;
  return c.num_hidden_layers * block + c.vocab_size * c.hidden_size;
}

int64_t count_parameters(const DecoderConfig& c) {
  const int64_t norms = c.use_post_norm ? 4 : 2;
  const int64_t vectors =
      c.num_hidden_layers * (norms * c.hidden_size + (c.qk_norm ? 2 * c.head_dim : 0)) + c.hidden_size;
  return count_matmul_parameters(c) + vectors + (c.tie_word_embeddings ? 0 : c.vocab_size * c.hidden_size);
}

double training_flops_per_token(const DecoderConfig& c, double mean_context) {
  const double attention =
      12.0 * static_cast<double>(c.num_hidden_layers * c.num_attention_heads * c.head_dim) * mean_context / 2;
  return 6.0 * static_cast<double>(count_matmul_parameters(c)) + attention;
}

DecoderConfig config_from_hugging_face(const Json& json, const std::string& where) {
  if (!json.is_object()) throw Failure(ErrorCode::kInvalidArgument, where + ": expected a JSON object");
  const Architecture& architecture = find_architecture(json, where);
  refuse_unsupported(json, where);
  Json own = Json::object();
  std::apply(
      [&](const auto&... f) {
        const auto take = [&](std::string_view name) {
          if (const auto it = json.find(name); it != json.end() && !it->is_null()) own[std::string(name)] = *it;
        };
        (take(f.name), ...);
      },
      DecoderConfig::fields());
  if (!own.contains("num_key_value_heads") && own.contains("num_attention_heads"))
    own["num_key_value_heads"] = own["num_attention_heads"];
  if (!own.contains("tie_word_embeddings")) own["tie_word_embeddings"] = false;
  for (const char* key : {"vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"})
    if (!own.contains(key)) throw Failure(ErrorCode::kInvalidArgument, where + ": " + key + " is missing");
  own["qk_norm"] = architecture.qk_norm;
  return resolve(from_json<DecoderConfig>(own, where));
}

Json config_to_hugging_face(const DecoderConfig& c, const std::string& torch_dtype) {
  const bool plain = !c.use_post_norm && c.embedding_multiplier == 1 && c.attention_multiplier == 0 &&
                     c.residual_multiplier == 1 && c.logits_multiplier == 1;
  if (!plain)
    throw Failure(ErrorCode::kUnimplemented,
                  "model: use_post_norm and muP multipliers have no Hugging Face architecture in this build");
  const Architecture& a = kArchitectures[c.qk_norm ? 1 : 0];
  return {{"architectures", Json::array({a.name})},
          {"model_type", a.model_type},
          {"vocab_size", c.vocab_size},
          {"hidden_size", c.hidden_size},
          {"intermediate_size", c.intermediate_size},
          {"num_hidden_layers", c.num_hidden_layers},
          {"num_attention_heads", c.num_attention_heads},
          {"num_key_value_heads", c.num_key_value_heads},
          {"head_dim", c.head_dim},
          {"max_position_embeddings", c.max_position_embeddings},
          {"rope_theta", c.rope_theta},
          {"rope_scaling", nullptr},
          {"rms_norm_eps", c.rms_norm_eps},
          {"initializer_range", c.initializer_range},
          {"hidden_act", "silu"},
          {"attention_bias", false},
          {"attention_dropout", 0.0},
          {"mlp_bias", false},
          {"tie_word_embeddings", c.tie_word_embeddings},
          {"use_cache", true},
          {"torch_dtype", torch_dtype}};
}

}  // namespace maru
