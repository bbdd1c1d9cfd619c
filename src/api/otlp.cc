#include "api/otlp.h"

#include <algorithm>

namespace maru::api {
namespace {

/// Digits of an id in lower case, not all zero.
bool is_id(std::string_view text, size_t size) {
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.size() == size && std::all_of(text.begin(), text.end(), is_digit) &&
         text.find_first_not_of('0') != std::string_view::npos;
}

/// An AnyValue: whole numbers are texts, as JSON of Protobuf has them.
Json any_value(const Json& value) {
  if (value.is_array()) {
    Json values = Json::array();
    for (const Json& one : value) values.push_back(any_value(one));
    return {{"arrayValue", {{"values", std::move(values)}}}};
  }
  if (value.is_number_integer()) return {{"intValue", value.dump()}};
  if (value.is_number()) return {{"doubleValue", value}};
  return {{"stringValue", value}};
}

Json attributes_of(const std::vector<std::pair<std::string, Json>>& attributes) {
  Json list = Json::array();
  for (const auto& [key, value] : attributes) list.push_back({{"key", key}, {"value", any_value(value)}});
  return list;
}

Json span_json(const Span& span) {
  Json json{{"traceId", span.trace_id},
            {"spanId", span.span_id},
            {"name", span.name},
            {"kind", static_cast<int>(span.kind)},
            {"startTimeUnixNano", std::to_string(span.begin_ns)},
            {"endTimeUnixNano", std::to_string(span.end_ns)},
            {"attributes", attributes_of(span.attributes)}};
  if (!span.parent_id.empty()) json["parentSpanId"] = span.parent_id;
  if (span.failed) json["status"] = {{"code", 2}};
  return json;
}

}  // namespace

std::optional<TraceContext> parse_traceparent(std::string_view header) {
  // VERSION-TRACE-PARENT-FLAGS; later versions may have more behind a further '-'
  if (header.size() < 55 || header[2] != '-' || header[35] != '-' || header[52] != '-') return std::nullopt;
  const std::string_view version = header.substr(0, 2), flags = header.substr(53, 2);
  const auto is_hex = [](std::string_view text) { return is_id("1" + std::string(text), text.size() + 1); };
  if (!is_hex(version) || version == "ff" || !is_hex(flags)) return std::nullopt;
  if (version == "00" ? header.size() != 55 : header.size() > 55 && header[55] != '-') return std::nullopt;
  TraceContext context{.trace_id = std::string(header.substr(3, 32)), .span_id = std::string(header.substr(36, 16))};
  if (!is_id(context.trace_id, 32) || !is_id(context.span_id, 16)) return std::nullopt;
  const char last = flags[1];
  context.sampled = ((last <= '9' ? last - '0' : last - 'a' + 10) & 1) != 0;
  return context;
}

Json export_request(const std::vector<Span>& spans, std::string_view version) {
  Json list = Json::array();
  for (const Span& span : spans) list.push_back(span_json(span));
  const std::string of(version);
  Json scope{{"scope", {{"name", "maru"}, {"version", of}}}, {"spans", std::move(list)}};
  Json resource{{"attributes", attributes_of({{"service.name", "maru"}, {"service.version", of}})}};
  return {{"resourceSpans",
           Json::array({{{"resource", std::move(resource)}, {"scopeSpans", Json::array({std::move(scope)})}}})}};
}

}  // namespace maru::api
