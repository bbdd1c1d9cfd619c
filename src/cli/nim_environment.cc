#include "cli/nim_environment.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace maru::cli {
namespace {

enum class Kind : uint8_t {
  kText,
  kList,     // of words with commas between them
  kNumber,   // a whole one
  kFlag,     // 1, true, 0, false
  kNothing,  // does nothing here, and why
};

struct Variable {
  const char* name;
  Kind kind;
  std::string_view means;  // the key of a recipe of serve; of kNothing: why, or what to do instead
};

constexpr std::string_view kNoDownload = "Maru downloads nothing: give `maru serve` a model of this machine";
constexpr std::string_view kArgument = "give the model as the argument of `maru serve`";
constexpr std::string_view kOneMachine = "one process serves on one machine here";
constexpr std::string_view kOneEngine = "there is one engine, and it needs no such choice";
constexpr std::string_view kTemplate = "the model's own chat template decides";
constexpr std::string_view kNoTelemetry = "say traces_endpoint=http://HOST:PORT; Prometheus reads /v1/metrics";

constexpr Variable kVariables[] = {
    {"NIM_SERVER_PORT", Kind::kNumber, "http.port"},
    {"NIM_HTTP_API_PORT", Kind::kNumber, "http.port"},
    {"NIM_SSL_CERTS_PATH", Kind::kText, "http.tls_certificate"},
    {"NIM_SSL_KEY_PATH", Kind::kText, "http.tls_key"},
    {"NIM_SSL_CA_CERTS_PATH", Kind::kText, "http.tls_client_ca"},
    {"NIM_CORS_ALLOW_ORIGINS", Kind::kList, "cors_origins"},
    {"NIM_ENABLE_KV_CACHE_REUSE", Kind::kFlag, "prefix_cache"},
    {"NIM_CUSTOM_MODEL_NAME", Kind::kText, "model_name"},
    {"NIM_SERVED_MODEL_NAME", Kind::kText, "model_name"},
    {"NIM_DRAFT_MODEL_PATH", Kind::kText, "draft_model"},
    {"NIM_PEFT_SOURCE", Kind::kText, "adapters_dir"},
    {"NIM_PEFT_REFRESH_INTERVAL", Kind::kNumber, "adapters_refresh_seconds"},
    {"NGC_API_KEY", Kind::kNothing, kNoDownload},
    {"NIM_CACHE_PATH", Kind::kNothing, kNoDownload},
    {"NIM_REPOSITORY_OVERRIDE", Kind::kNothing, kNoDownload},
    {"NIM_MODEL_PROFILE", Kind::kNothing, "a model directory is what it is; there are no profiles"},
    {"NIM_MODEL_PATH", Kind::kNothing, kArgument},
    {"NIM_MODEL_NAME", Kind::kNothing, kArgument},
    {"NIM_FT_MODEL", Kind::kNothing, kArgument},
    {"NIM_MAX_MODEL_LEN", Kind::kNothing, "the model's context, or the key-value memory (cache_mib) if smaller"},
    {"NIM_PASSTHROUGH_ARGS", Kind::kNothing, "give `maru serve` key=value; see --help-all"},
    {"NIM_HEALTH_PORT", Kind::kNothing, "health is answered on the one port"},
    {"NIM_GRPC_API_PORT", Kind::kNothing, "there is no gRPC here"},
    {"NIM_TRITON_METRICS_PORT", Kind::kNothing, "metrics are answered on the one port"},
    {"NIM_CORS_ALLOW_HEADERS", Kind::kNothing, "what a page asks for is allowed to listed origins"},
    {"NIM_CORS_ALLOW_METHODS", Kind::kNothing, "the routes decide"},
    {"NIM_CORS_EXPOSE_HEADERS", Kind::kNothing, "none are"},
    {"NIM_CORS_MAX_AGE", Kind::kNothing, "ten minutes"},
    {"NIM_TENSOR_PARALLEL_SIZE", Kind::kNothing, kOneMachine},
    {"NIM_PIPELINE_PARALLEL_SIZE", Kind::kNothing, kOneMachine},
    {"NIM_NUM_COMPUTE_NODES", Kind::kNothing, kOneMachine},
    {"NIM_DISABLE_CUDA_GRAPH", Kind::kNothing, kOneEngine},
    {"NIM_GUIDED_DECODING_BACKEND", Kind::kNothing, kOneEngine},
    {"NIM_USE_SGLANG", Kind::kNothing, kOneEngine},
    {"NIM_FORCE_DETERMINISTIC", Kind::kNothing, "answers always are, for a given seed"},
    {"NIM_KVCACHE_PERCENT", Kind::kNothing, "say cache_mib=N"},
    {"NIM_KV_CACHE_HOST_MEM_FRACTION", Kind::kNothing, "say cache_mib=N"},
    {"NIM_TOOL_CALL_PARSER", Kind::kNothing, kTemplate},
    {"NIM_ENABLE_AUTO_TOOL_CHOICE", Kind::kNothing, kTemplate},
    {"NIM_CHAT_TEMPLATE", Kind::kNothing, kTemplate},
    {"NIM_FORCE_TRUST_REMOTE_CODE", Kind::kNothing, "no model brings code that is run"},
    {"NIM_TRUST_CUSTOM_CODE", Kind::kNothing, "no model brings code that is run"},
    {"NIM_ENABLE_OTEL", Kind::kNothing, kNoTelemetry},
    {"NIM_OTEL_EXPORTER_OTLP_ENDPOINT", Kind::kNothing, kNoTelemetry},
    {"NIM_SAGEMAKER_MODE", Kind::kNothing, "/ping is always there; /invocations is not"},
    {"NIM_LOG_LEVEL", Kind::kNothing, "say --quiet for warnings alone"},
    {"NIM_JSONL_LOGGING", Kind::kNothing, "the log is text"},
};

[[noreturn]] void refuse(const Variable& variable, std::string_view expected) {
  throw Failure(ErrorCode::kInvalidArgument, std::string(variable.name) + ": expected " + std::string(expected));
}

Json read(const Variable& variable, std::string_view text) {
  if (variable.kind == Kind::kText) return std::string(text);
  if (variable.kind == Kind::kNumber) {
    int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) refuse(variable, "a whole number");
    return number;
  }
  if (variable.kind == Kind::kFlag) {
    if (text == "1" || text == "true" || text == "True") return true;
    if (text == "0" || text == "false" || text == "False") return false;
    refuse(variable, "1, 0, true or false");
  }
  Json list = Json::array();
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(',', at), text.size());
    if (end > at) list.push_back(std::string(text.substr(at, end - at)));
    at = end + 1;
  }
  return list;
}

void set(Json& config, std::string_view key, Json value) {
  const size_t dot = key.find('.');
  if (dot == std::string_view::npos)
    config[std::string(key)] = std::move(value);
  else
    config[std::string(key.substr(0, dot))][std::string(key.substr(dot + 1))] = std::move(value);
}

/// The paths mean something only where NIM_SSL_MODE says that TLS is spoken, and whether by both sides.
bool is_off(std::string_view name, std::string mode) {
  for (char& c : mode) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (mode != "" && mode != "disabled" && mode != "tls" && mode != "mtls")
    throw Failure(ErrorCode::kInvalidArgument, "NIM_SSL_MODE: expected disabled, tls or mtls");
  if (name == "NIM_SSL_CA_CERTS_PATH") return mode != "mtls";
  return (name == "NIM_SSL_CERTS_PATH" || name == "NIM_SSL_KEY_PATH") && mode != "tls" && mode != "mtls";
}

}  // namespace

NimSettings nim_settings(const Environment& environment) {
  const auto value_of = [&](const char* name) {
    const char* value = environment(name);
    return std::string(value == nullptr ? "" : value);
  };
  const std::string mode = value_of("NIM_SSL_MODE");
  NimSettings settings;
  for (const Variable& variable : kVariables) {
    const std::string value = value_of(variable.name);
    if (value.empty()) continue;
    const std::string name(variable.name);
    if (variable.kind == Kind::kNothing)
      settings.warnings.push_back(name + " does nothing here: " + std::string(variable.means));
    else if (is_off(name, mode))
      settings.warnings.push_back(name + " does nothing while NIM_SSL_MODE is \"" + mode + "\"");
    else
      set(settings.config, variable.means, read(variable, value));
  }
  return settings;
}

}  // namespace maru::cli
