#include "api/ollama/models.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "api/ollama/lines.h"
#include "api/ollama/names.h"
#include "base/hash.h"
#include "http/http.h"

namespace maru::api::ollama {
namespace {

constexpr const char* kArchitecture = "maru";  // under which /api/show says what it knows

std::string created_text(int64_t seconds) {
  return time_text(std::chrono::system_clock::time_point(std::chrono::seconds(seconds)));
}

/// "494.03M", as Ollama shows it.
std::string count_text(int64_t count) {
  const auto n = static_cast<double>(count);
  if (n >= 1e9) return fmt::format("{:.1f}B", n / 1e9);
  return n >= 1e6 ? fmt::format("{:.2f}M", n / 1e6) : fmt::format("{:.2f}K", n / 1e3);
}

Json details_of(const serving::ModelFacts& facts) {
  std::string dtype = facts.dtype.value_or("");
  std::transform(dtype.begin(), dtype.end(), dtype.begin(), [](char c) { return c >= 'a' && c <= 'z' ? c - 32 : c; });
  return {{"parent_model", ""},
          {"format", ""},
          {"family", ""},
          {"families", Json::array()},
          {"parameter_size", facts.parameters ? count_text(*facts.parameters) : ""},
          {"quantization_level", dtype}};
}

Json entry_of(const serving::ServedName& name, bool running) {
  Json entry{{"name", listed_name(name.id)},
             {"model", listed_name(name.id)},
             {"size", name.bytes},
             {"digest", sha256_hex(name.id + " " + name.fingerprint)},
             {"details", details_of(name.facts)}};
  entry["details"]["parent_model"] = name.parent;
  if (!running) {
    entry["modified_at"] = created_text(name.created);
    return entry;
  }
  entry["expires_at"] = "9999-12-31T23:59:59Z";  // of most: they stay
  entry["size_vram"] = 0;
  entry["context_length"] = name.max_context.value_or(0);
  return entry;
}

Json shown(const std::string& source, const serving::ModelFacts& facts, int64_t created, Json capabilities, Json info) {
  info["general.architecture"] = kArchitecture;
  if (facts.parameters) info["general.parameter_count"] = *facts.parameters;
  return {{"modelfile", ""},
          {"parameters", ""},
          {"template", source},
          {"details", details_of(facts)},
          {"model_info", std::move(info)},
          {"capabilities", std::move(capabilities)},
          {"modified_at", created_text(created)}};
}

std::string key(const char* name) { return std::string(kArchitecture) + "." + name; }

Json show_decoder(const serving::ServedModel& model) {
  const serving::ChatModel chat = model.chat();
  Json capabilities{"completion"};
  if (chat.forms.calls != nullptr && chat.chat_template != nullptr && chat.chat_template->mentions("tools"))
    capabilities.push_back("tools");
  if (chat.forms.reasoning != nullptr) capabilities.push_back("thinking");
  return shown(chat.chat_template == nullptr ? "" : chat.chat_template->source(), model.facts(), model.created(),
               std::move(capabilities), {{key("context_length"), model.limits().max_context}});
}

Json show_encoder(const serving::ServedEncoder& model) {
  return shown("", {}, model.created(), Json{"embedding"},
               {{key("context_length"), model.max_tokens()}, {key("embedding_length"), model.dimension()}});
}

}  // namespace

Json list_models(const serving::ModelHost& models, const Principal& principal, bool running) {
  Json list = Json::array();
  for (const serving::ServedName& name : models.names())
    if (principal.may_ask(name.id) && !(running && name.loaded == false)) list.push_back(entry_of(name, running));
  return {{"models", std::move(list)}};
}

Json show_model(const serving::ModelHost& models, const std::string& name, const Caller& caller) {
  const std::string id = id_of(name, models, caller.principal);
  for (const serving::ServedName& served : models.names())
    if (served.id == id && served.encoder) return show_encoder(*models.get_encoder(id, caller));
  return show_decoder(*models.get(id, caller));
}

}  // namespace maru::api::ollama
