#include "api/spans.h"

#include <fmt/format.h>

#include <initializer_list>
#include <random>
#include <string_view>
#include <utility>

namespace maru::api {
namespace {

using Steady = std::chrono::steady_clock;

uint64_t random_number() {
  std::random_device device;  // of the system: ids must not repeat between machines
  const uint64_t number = (uint64_t{device()} << 32) | device();
  return number == 0 ? 1 : number;  // all zeros is no id
}

std::string new_span_id() { return fmt::format("{:016x}", random_number()); }
std::string new_trace_id() { return fmt::format("{:016x}{:016x}", random_number(), random_number()); }

/// What a route does, as the conventions call it.
std::string operation_of(std::string_view route) {
  if (route.find("embed") != std::string_view::npos) return "embeddings";
  if (route == "/v1/completions" || route == "/api/generate") return "text_completion";
  if (route.find("rank") != std::string_view::npos) return "rerank";
  return "chat";
}

void add(std::initializer_list<std::pair<const char*, Json>> attributes, Span& span) {
  for (const auto& [key, value] : attributes) span.attributes.emplace_back(key, value);
}

void add_use(const RequestRecord::Notes& notes, std::string_view route, Span& span) {
  if (notes.model.empty()) return;
  add({{"gen_ai.operation.name", operation_of(route)},
       {"gen_ai.provider.name", "maru"},
       {"gen_ai.request.model", notes.model},
       {"gen_ai.response.model", notes.model},
       {"gen_ai.usage.input_tokens", notes.prompt_tokens}},
      span);
  if (notes.choices == 0) return;  // nothing was to be written
  add({{"gen_ai.request.max_tokens", notes.max_tokens},
       {"gen_ai.request.temperature", notes.temperature},
       {"gen_ai.request.top_p", notes.top_p},
       {"gen_ai.request.choice.count", notes.choices},
       {"gen_ai.usage.output_tokens", notes.generated_tokens},
       {"gen_ai.usage.cache_read.input_tokens", notes.reused_tokens}},
      span);
  if (!notes.finish_reasons.empty()) add({{"gen_ai.response.finish_reasons", notes.finish_reasons}}, span);
}

class Timeline {
 public:
  Timeline(Steady::time_point now, std::chrono::system_clock::time_point wall)
      : offset_(wall.time_since_epoch() - now.time_since_epoch()) {}
  int64_t at(Steady::time_point time) const {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch() + offset_).count();
  }

 private:
  const std::chrono::nanoseconds offset_;
};

void add_part(const char* name, Steady::time_point begin, Steady::time_point end, const Timeline& timeline,
              std::vector<Span>& to) {
  constexpr Steady::time_point kNever{};
  if (begin == kNever || end == kNever || end < begin) return;
  to.push_back({.trace_id = to.front().trace_id,
                .span_id = new_span_id(),
                .parent_id = to.front().span_id,
                .name = name,
                .begin_ns = timeline.at(begin),
                .end_ns = timeline.at(end)});
}

}  // namespace

std::vector<Span> spans_of(const http::Exchange& exchange, Steady::time_point now,
                           std::chrono::system_clock::time_point wall) {
  if (exchange.record == nullptr) return {};
  const std::optional<TraceContext> parent = parse_traceparent(exchange.record->traceparent());
  if (parent && !parent->sampled) return {};
  const RequestRecord::Notes notes = exchange.record->notes();
  const Timeline timeline(now, wall);
  const std::string method(name_of(exchange.method));
  Span server{.trace_id = parent ? parent->trace_id : new_trace_id(),
              .span_id = new_span_id(),
              .parent_id = parent ? parent->span_id : "",
              .name = method + " " + std::string(exchange.route),
              .kind = Span::Kind::kServer,
              .begin_ns = timeline.at(now) - static_cast<int64_t>(exchange.seconds * 1e9),
              .end_ns = timeline.at(now),
              .failed = exchange.status >= 500};
  server.attributes = {{"http.request.method", method},
                       {"http.route", std::string(exchange.route)},
                       {"http.response.status_code", exchange.status}};
  if (!exchange.request_id.empty()) server.attributes.emplace_back("gen_ai.response.id", exchange.request_id);
  if (exchange.status >= 400) server.attributes.emplace_back("error.type", std::to_string(exchange.status));
  add_use(notes, exchange.route, server);
  std::vector<Span> spans{std::move(server)};
  add_part("queue", notes.submitted, notes.started, timeline, spans);
  add_part("prefill", notes.started, notes.first_token, timeline, spans);
  add_part("decode", notes.first_token, notes.ended, timeline, spans);
  return spans;
}

}  // namespace maru::api
