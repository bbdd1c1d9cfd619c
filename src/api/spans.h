// A request as spans, in the words of OpenTelemetry's semantic conventions (HTTP and generative AI): never a word of
// what was said.
#pragma once
#include <vector>

#include "api/otlp.h"
#include "http/server.h"

namespace maru::api {

/// A span of the server and, as far as the request came, its parts: queue, prefill, decode. `now`: both clocks at the
/// end of the exchange. Empty where the client's trace is not sampled.
std::vector<Span> spans_of(const http::Exchange& exchange, std::chrono::steady_clock::time_point now,
                           std::chrono::system_clock::time_point wall);

}  // namespace maru::api
