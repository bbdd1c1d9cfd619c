#include "api/rates.h"

#include <fmt/format.h>

#include <cmath>

#include "http/router.h"

namespace maru::api {
namespace {

using platform::RateLimiter;
using platform::RateState;

/// What asks a model, whatever the dialect: the limits are of that, not of looking at what there is.
bool is_counted(const http::Request& request) {
  return request.principal && request.route != nullptr && request.route->scope == "inference" &&
         request.route->method == http::Method::kPost;
}

void add(http::Headers& headers, const std::string& what, const std::optional<RateState>& state) {
  if (!state) return;
  headers.emplace_back("x-ratelimit-limit-" + what, std::to_string(state->limit));
  headers.emplace_back("x-ratelimit-remaining-" + what, std::to_string(state->remaining));
  headers.emplace_back("x-ratelimit-reset-" + what, duration_text(state->reset_seconds));
}

}  // namespace

void count_request(RateLimiter& rates, const platform::Metering* metering, const http::Request& request) {
  if (!is_counted(request)) return;
  rates.take_request(*request.principal);
  if (metering == nullptr) return;
  for (const platform::Ceiling& ceiling : metering->ceilings_of(*request.principal))
    rates.take_request({.tenant = "", .key = ceiling.who, .scopes = {}, .limits = ceiling.limits});
}

void add_rate_headers(RateLimiter& rates, const http::Request& request, http::Reply& reply) {
  if (!is_counted(request)) return;
  const RateLimiter::States states = rates.states_of(*request.principal);
  add(reply.headers, "requests", states.requests);
  add(reply.headers, "tokens", states.tokens);
}

std::string duration_text(double seconds) {
  const auto milliseconds = static_cast<int64_t>(std::ceil(seconds * 1000 - 1e-6));
  if (milliseconds < 1000) return fmt::format("{}ms", milliseconds);
  if (milliseconds < 60'000) return fmt::format("{}s", static_cast<double>(milliseconds) / 1000);
  const int64_t whole = (milliseconds + 999) / 1000;
  if (whole < 3600) return fmt::format("{}m{}s", whole / 60, whole % 60);
  return fmt::format("{}h{}m{}s", whole / 3600, whole / 60 % 60, whole % 60);
}

}  // namespace maru::api
