// What stands in a request's first line and in headers that are read further: targets, authorities, origins, trace
// contexts.
#include "api/otlp.h"
#include "http/host.h"
#include "http/http.h"

namespace maru::http {
namespace {

void require(bool holds) {
  if (!holds) __builtin_trap();
}

void read_target(std::string_view text) {
  Request request;
  if (!parse_target(text, request).ok()) return;
  require(request.path.size() <= text.size() && request.path.find('\0') == std::string::npos);
  for (const auto& [name, value] : request.query) require(name.size() + value.size() <= text.size());
}

// What is written as it compares is read as the same.
void read_authority(std::string_view text) {
  const Result<Authority> result = parse_authority(text);
  if (!result.ok()) return;
  const Authority& read = result.value();
  const bool six = read.host.find(':') != std::string::npos;
  std::string again = six ? "[" + read.host + "]" : read.host;
  if (read.port) again += ":" + std::to_string(*read.port);
  const Result<Authority> written = parse_authority(again);
  require(written.ok() && written.value() == read);
}

void read_trace(std::string_view text) {
  const auto context = api::parse_traceparent(text);
  if (context) require(context->trace_id.size() == 32 && context->span_id.size() == 16);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const HostRule kLoopback("127.0.0.1", {"maru.example"});
  read_target(text);
  read_authority(text);
  read_trace(text);
  (void)kLoopback.admits(std::string(text));
  const size_t cut = text.find(' ');
  if (cut != std::string_view::npos) (void)is_own_origin(text.substr(0, cut), std::string(text.substr(cut + 1)), true);
  return 0;
}

}  // namespace maru::http
