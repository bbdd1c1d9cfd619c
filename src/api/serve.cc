// Serving models until a signal comes.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <thread>

#include "api/end_of_process.h"
#include "api/server.h"
#include "base/interrupt.h"
#include "base/memory_reserve.h"

namespace maru::api {
namespace {

constexpr double kTidySeconds = 1;
constexpr size_t kMemoryReserve = size_t{32} << 20;

std::string url_of(const ServeConfig& config, int port) {
  const std::string& address = config.http.address;
  const std::string host = address.find(':') == std::string::npos ? address : "[" + address + "]";
  return fmt::format("{}://{}:{}", config.http.tls_certificate.empty() ? "http" : "https", host, port);
}

void wait_for_signal() {
  while (!interrupted()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    (void)refill_memory_reserve();
  }
}

}  // namespace

void serve(const ServeConfig& config, ServeContext context, const ServedSources& sources, Device& device,
           const std::function<void(const ServeSummary&)>& ready, const std::function<void()>& overdue) {
  keep_memory_reserve(kMemoryReserve);
  std::optional<EndOfProcess> end;  // until after everything below is destroyed
  context.isa = name_of(device.host().isa);
  context.threads = device.host().pool->size();
  context.device = &device;
  ApiServer server(config, context, [&](serving::ModelHost& host) {
    for (const serving::ModelSource& model : sources.models) host.load(model, device);
    for (const serving::ModelSource& model : sources.on_request) host.offer(model, device);
    for (const serving::AdapterSource& adapter : sources.adapters) host.load_adapter(adapter, device);
  });
  ServeSummary summary{.url = url_of(config, server.port()), .isa = context.isa, .threads = context.threads};
  for (const auto& model : server.models().list())
    summary.models.push_back({.id = model->id(),
                              .dtype = model->facts().dtype.value(),
                              .parameters = model->facts().parameters.value(),
                              .max_context = model->limits().max_context,
                              .kv_pages = model->engine().stats().pages});
  for (const serving::ServedName& name : server.models().names()) summary.names.push_back(name.id);
  ready(summary);
  wait_for_signal();
  // What runs has most of the time, what tidies up afterwards the rest of it.
  const double seconds = config.drain_seconds, tidying = std::min(kTidySeconds, seconds / 4);
  end.emplace(std::chrono::duration<double>(std::max(seconds, kTidySeconds)), overdue);
  server.drain(std::chrono::milliseconds(static_cast<int64_t>(1e3 * (seconds - tidying))));
}

}  // namespace maru::api
