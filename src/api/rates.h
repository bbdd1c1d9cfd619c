// Requests and tokens per minute on the wire: what is refused by them, and the headers that say what is left.
#pragma once
#include <string>

#include "http/http.h"
#include "platform/metering.h"
#include "platform/rate_limiter.h"

namespace maru::api {

/// Counts a request that would be admitted; `metering` (null: there is none) knows the quotas of its workspace.
///
/// Throws   LimitFailure where the limit of its key, its project or its workspace is reached.
void count_request(platform::RateLimiter& rates, const platform::Metering* metering, const http::Request& request);
/// `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`, as OpenAI sends them, of the limits that the key has.
void add_rate_headers(platform::RateLimiter& rates, const http::Request& request, http::Reply& reply);
/// As in those headers: "6m0s", "1.5s", "20ms"; never less than it is.
std::string duration_text(double seconds);

}  // namespace maru::api
