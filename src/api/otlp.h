// Spans in the JSON encoding of OpenTelemetry's protocol (OTLP 1.x, "JSON Protobuf Encoding"), and the W3C trace
// context that requests bring.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"

namespace maru::api {

struct TraceContext {
  std::string trace_id, span_id;  // 32 and 16 hexadecimal digits
  bool sampled = true;
};

/// A `traceparent` header (W3C Trace Context §3.2); none: it is not there, or none that is valid.
std::optional<TraceContext> parse_traceparent(std::string_view header);

struct Span {
  enum class Kind : uint8_t { kInternal = 1, kServer = 2 };  // as OTLP numbers them
  std::string trace_id, span_id, parent_id;                  // parent_id: empty: a root
  std::string name;
  Kind kind = Kind::kInternal;
  int64_t begin_ns = 0, end_ns = 0;                      // since 1970
  std::vector<std::pair<std::string, Json>> attributes;  // texts, numbers, lists of texts
  bool failed = false;
};

/// The body of an ExportTraceServiceRequest; `version`: of this program.
Json export_request(const std::vector<Span>& spans, std::string_view version);

}  // namespace maru::api
