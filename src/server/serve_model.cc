// Serving a model directory until a signal comes.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <thread>

#include "base/interrupt.h"
#include "base/json.h"
#include "infer/loaded_model.h"
#include "ledger/manifest.h"
#include "server/serve.h"

namespace maru::server {
namespace {

constexpr double kTidySeconds = 1;

std::optional<Dtype> wanted_dtype(const ServeConfig& config) {
  if (config.dtype == "auto") return std::nullopt;
  return parse_dtype(config.dtype);
}

// Whether the model was taught to answer: the manifest of one of ours says so; of others a chat template is a good
// sign.
bool can_chat(const fs::path& path, const infer::LoadedModel& model) {
  if (!fs::exists(path / ledger::kManifestName)) return model.chat_template() != nullptr;
  const ledger::Manifest manifest = ledger::read_manifest(path);
  return manifest.notes.value("chat", !manifest.foreign.empty() && model.chat_template() != nullptr);
}

std::string details_of(const fs::path& directory, const ServeContext& context, const infer::LoadedModel& model) {
  const Decoder& decoder = model.decoder();
  Json details{{"parameters", count_parameters(decoder.config())},
               {"context_length", decoder.config().max_position_embeddings},
               {"dtype", std::string(name_of(decoder.dtype()))},
               {"chat", can_chat(directory, model)}};
  if (!context.adapter.empty()) details["adapter"] = context.adapter.filename().string();
  return details.dump();
}

std::string url_of(const ServeConfig& config, int port) {
  const std::string& address = config.http.address;
  const std::string host = address.find(':') == std::string::npos ? address : "[" + address + "]";
  return fmt::format("http://{}:{}", host, port);
}

void wait_for_signal() {
  while (!interrupted()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

}  // namespace

void serve(const ServeConfig& config, const ServeContext& context, const fs::path& model_directory, Stream stream,
           const std::function<void(const ServeSummary&)>& ready, const std::function<void()>& overdue) {
  std::optional<EndOfProcess> end;  // until after everything below is destroyed
  const CpuStream cpu = std::get<CpuStream>(stream);
  infer::LoadedModel model(model_directory, std::move(stream),
                           {.adapter = context.adapter,
                            .dtype = wanted_dtype(config),
                            .cache_bytes = config.cache_mib << 20,
                            .max_sequences = config.max_running});
  const std::string isa(name_of(cpu.isa)), id = context.model_id.empty() ? model.name() : context.model_id;
  ApiServer server(config, context,
                   {.model = &model.runner(),
                    .tokenizer = &model.tokenizer(),
                    .chat_template = model.chat_template(),
                    .model_id = id,
                    .end_tokens = model.end_tokens(),
                    .isa = isa,
                    .threads = cpu.pool->size(),
                    .details = details_of(model_directory, context, model)});
  ready({.url = url_of(config, server.port()),
         .model = id,
         .isa = isa,
         .dtype = std::string(name_of(model.decoder().dtype())),
         .threads = cpu.pool->size(),
         .parameters = count_parameters(model.decoder().config()),
         .max_context = server.max_context(),
         .kv_pages = model.runner().num_pages()});
  wait_for_signal();
  // What runs has most of the time, what tidies up afterwards the rest of it.
  const double seconds = config.drain_seconds, tidying = std::min(kTidySeconds, seconds / 4);
  end.emplace(std::chrono::duration<double>(std::max(seconds, kTidySeconds)), overdue);
  server.drain(std::chrono::milliseconds(static_cast<int64_t>(1e3 * (seconds - tidying))));
}

}  // namespace maru::server
