// Frames of a WebSocket from hostile hands: the first byte says in which steps the others come. What arrives in pieces
// is read as what arrives at once, messages stay within their limit, texts are UTF-8, and what is read can be written
// and read again.
#include <algorithm>
#include <vector>

#include "base/utf8.h"
#include "http/test_websocket.h"
#include "http/websocket.h"

namespace maru::http {
namespace {

constexpr uint64_t kMaxMessage = 1 << 12;

void require(bool holds) {
  if (!holds) __builtin_trap();
}

struct Seen {
  std::vector<std::pair<Frame::Kind, std::string>> frames;
  int fault = 0;
  bool operator==(const Seen&) const = default;
};

Seen read(std::string_view bytes, size_t step) {
  FrameReader reader(kMaxMessage);
  Seen seen;
  while (!bytes.empty() && !reader.fault()) {
    std::string_view piece = bytes.substr(0, step);
    bytes.remove_prefix(piece.size());
    while (!piece.empty() && !reader.fault()) {
      const size_t taken = reader.feed(piece);
      require(taken > 0 && taken <= piece.size());
      piece.remove_prefix(taken);
      require(reader.held() <= kMaxMessage);
      if (auto frame = reader.frame()) seen.frames.emplace_back(frame->kind, std::move(frame->data));
    }
  }
  if (reader.fault()) seen.fault = static_cast<int>(reader.fault()->status);
  return seen;
}

}  // namespace

int check(std::string_view bytes) {
  if (bytes.empty()) return 0;
  const size_t step = static_cast<uint8_t>(bytes[0]) % 32 + 1;
  bytes.remove_prefix(1);
  const Seen whole = read(bytes, bytes.size() + 1);
  require(whole == read(bytes, step));
  std::string again;
  for (const auto& [kind, data] : whole.frames) {
    require(data.size() <= kMaxMessage);
    require(kind != Frame::Kind::kText || is_valid_utf8(data));
    if (kind == Frame::Kind::kClose) {
      const auto answer = static_cast<int>(answer_to_close(data));
      require(answer == 1000 || answer == 1002 || answer == 1007);
    }
    again += masked(static_cast<uint8_t>(0x80 | static_cast<uint8_t>(kind)), data);
  }
  require(read(again, step).frames == whole.frames);
  return 0;
}

}  // namespace maru::http

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return maru::http::check({reinterpret_cast<const char*>(data), size});
}
