// The head and the chunked body of a request from hostile hands. Whatever arrives in pieces is read as what arrives at
// once, an accepted head says in one way only where its body ends, and a body stays within its limit.
#include <algorithm>

#include "http/chunks.h"
#include "http/head.h"

namespace maru::http {
namespace {

constexpr int64_t kMaxFields = 100;
constexpr uint64_t kMaxBody = 1 << 16, kMaxExtra = 1 << 10;

void require(bool holds) {
  if (!holds) __builtin_trap();
}

// Where the head ends when `step` bytes arrive at a time; SIZE_MAX: refused; 0: not all there.
size_t scan_in_steps(std::string_view bytes, size_t step) {
  HeadScanner scanner(kMaxFields);
  for (size_t end = 0; end < bytes.size();) {
    end = std::min(bytes.size(), end + step);
    const Result<size_t> found = scanner.scan(bytes.substr(0, end));
    if (!found.ok()) return SIZE_MAX;
    if (found.value() > 0) return found.value();
  }
  return 0;
}

struct Body {
  std::string data;
  size_t taken = 0;
  bool refused = false, done = false;
  bool operator==(const Body&) const = default;
};

Body decode_in_steps(std::string_view bytes, size_t step) {
  ChunkDecoder decoder(kMaxBody, kMaxExtra);
  Body body;
  while (body.taken < bytes.size() && !decoder.done() && !body.refused) {
    const std::string_view part = bytes.substr(body.taken, step);
    const Result<size_t> took = decoder.feed(part, body.data);
    body.refused = !took.ok();
    if (!body.refused) body.taken += took.value();
  }
  body.done = decoder.done();
  require(body.data.size() <= kMaxBody);
  return body;
}

void check_head(std::string_view bytes) {
  const Result<Head> head = parse_head(bytes);
  if (!head.ok()) return;
  require(!(head.value().chunked && head.value().length > 0));
  for (const auto& [name, value] : head.value().request.headers) {
    require(is_token(name));
    require(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const size_t step = 1 + data[0] % 16;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t end = scan_in_steps(bytes, bytes.size() + 1);
  require(end == scan_in_steps(bytes, step));
  if (end == SIZE_MAX || end == 0) return 0;
  require(end <= bytes.size());
  check_head(bytes.substr(0, end));
  Body whole = decode_in_steps(bytes.substr(end), bytes.size() + 1), parts = decode_in_steps(bytes.substr(end), step);
  require(whole.refused == parts.refused && whole.done == parts.done);
  if (!whole.refused) require(whole == parts);
  return 0;
}

}  // namespace maru::http
