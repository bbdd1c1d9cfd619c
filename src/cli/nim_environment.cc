#include "cli/nim_environment.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <string_view>

namespace maru::cli {
namespace {

enum class Kind : uint8_t {
  kText,
  kList,     // of words with commas between them
  kNumber,   // a whole one
  kFlag,     // 1, true, 0, false
  kSwitch,   // a flag that others are looked at by
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
    {"NIM_ENABLE_OTEL", Kind::kSwitch, ""},
    {"NIM_OTEL_EXPORTER_OTLP_ENDPOINT", Kind::kText, "traces_endpoint"},
    {"NIM_OTEL_METRICS_EXPORTER", Kind::kNothing, "Prometheus reads /v1/metrics"},
    {"NIM_OTEL_SERVICE_NAME", Kind::kNothing, "spans are of the service \"maru\""},
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

using Values = std::function<std::string(const char* name)>;

/// The paths mean something only where NIM_SSL_MODE says that TLS is spoken, and whether by both sides.
std::string tls_is_off(std::string_view name, const Values& value_of) {
  const std::string said = value_of("NIM_SSL_MODE");
  std::string mode = said;
  for (char& c : mode) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (mode != "" && mode != "disabled" && mode != "tls" && mode != "mtls")
    throw Failure(ErrorCode::kInvalidArgument, "NIM_SSL_MODE: expected disabled, tls or mtls");
  const bool off = name == "NIM_SSL_CA_CERTS_PATH" ? mode != "mtls" : mode != "tls" && mode != "mtls";
  return off ? "while NIM_SSL_MODE is \"" + said + "\"" : "";
}

/// Traces go nowhere unless they are asked for, as OTLP.
std::string traces_are_off(const Values& value_of) {
  const std::string exporter = value_of("NIM_OTEL_TRACES_EXPORTER");
  if (!exporter.empty() && exporter != "otlp" && exporter != "console" && exporter != "none")
    throw Failure(ErrorCode::kInvalidArgument, "NIM_OTEL_TRACES_EXPORTER: expected otlp, console or none");
  const std::string enabled = value_of("NIM_ENABLE_OTEL");
  if (enabled.empty() || read({"NIM_ENABLE_OTEL", Kind::kFlag, ""}, enabled) == false)
    return "without NIM_ENABLE_OTEL=1";
  return exporter.empty() || exporter == "otlp" ? "" : "while NIM_OTEL_TRACES_EXPORTER is \"" + exporter + "\"";
}

/// Why a variable that means something does nothing beside the others; empty: it does.
std::string idle_reason(std::string_view name, const Values& value_of) {
  if (name == "NIM_SSL_CERTS_PATH" || name == "NIM_SSL_KEY_PATH" || name == "NIM_SSL_CA_CERTS_PATH")
    return tls_is_off(name, value_of);
  return name == "NIM_OTEL_EXPORTER_OTLP_ENDPOINT" ? traces_are_off(value_of) : "";
}

/// The variable is of all signals: the path of the traces stands behind its own, where it has one.
std::string traces_url(std::string url) {
  const size_t host = url.find("://"), path = host == std::string::npos ? host : url.find('/', host + 3);
  while (url.ends_with('/')) url.pop_back();
  return path == std::string::npos || path >= url.size() ? url : url + "/v1/traces";
}

}  // namespace

NimSettings nim_settings(const Environment& environment) {
  const auto value_of = [&](const char* name) {
    const char* value = environment(name);
    return std::string(value == nullptr ? "" : value);
  };
  NimSettings settings;
  tls_is_off("", value_of);  // a mode that is none is told, whatever else is there
  for (const Variable& variable : kVariables) {
    const std::string value = value_of(variable.name);
    if (value.empty()) continue;
    const std::string name(variable.name);
    if (variable.kind == Kind::kNothing)
      settings.warnings.push_back(name + " does nothing here: " + std::string(variable.means));
    else if (const std::string reason = idle_reason(name, value_of); !reason.empty())
      settings.warnings.push_back(name + " does nothing " + reason);
    else if (variable.kind != Kind::kSwitch)
      set(settings.config, variable.means,
          variable.means == "traces_endpoint" ? Json(traces_url(value)) : read(variable, value));
    else if (read({variable.name, Kind::kFlag, ""}, value) == true &&
             value_of("NIM_OTEL_EXPORTER_OTLP_ENDPOINT").empty())
      settings.warnings.push_back(name + " sends nothing without NIM_OTEL_EXPORTER_OTLP_ENDPOINT");
  }
  return settings;
}

}  // namespace maru::cli
