// A WebSocket client for tests: sends any frames, and reads what comes.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/test_client.h"

namespace maru::http {

/// A masked frame (RFC 6455 §5.2). `first`: its first byte, FIN and the opcode.
inline std::string masked(uint8_t first, std::string_view data) {
  constexpr std::string_view kMask = "\x37\xfa\x21\x3d";
  std::string frame(1, static_cast<char>(first));
  const int width = data.size() < 126 ? 0 : data.size() <= 0xFFFF ? 2 : 8;
  frame += static_cast<char>(0x80 | (width == 0 ? data.size() : width == 2 ? 126 : 127));
  for (int i = width - 1; i >= 0; --i) frame += static_cast<char>(data.size() >> (8 * i) & 0xFF);
  frame += kMask;
  for (size_t i = 0; i < data.size(); ++i) frame += static_cast<char>(data[i] ^ kMask[i % 4]);
  return frame;
}

class TestWebSocket : public TestClient {
 public:
  static constexpr const char* kUpgrade =
      "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  TestWebSocket(int port, std::string_view path, std::string_view more = "") : TestClient(port) {
    get(path, kUpgrade + std::string(more));
    head = read_until("\r\n\r\n");
  }
  void say(std::string_view text) { send(masked(0x81, text)); }
  /// The next text, or "close 1002", "ping".
  std::string next(double seconds = 10) {
    const std::string begin = read(2, seconds);
    if (begin.size() < 2) return "";
    size_t size = static_cast<uint8_t>(begin[1]);
    if (size == 126) {
      const std::string more = read(2, seconds);
      size = static_cast<size_t>(static_cast<uint8_t>(more[0])) << 8 | static_cast<uint8_t>(more[1]);
    }
    const std::string data = read(size, seconds);
    switch (static_cast<uint8_t>(begin[0]) & 15) {
      case 1: return data;
      case 8: return "close " + std::to_string(static_cast<uint8_t>(data[0]) << 8 | static_cast<uint8_t>(data[1]));
      case 9: return "ping";
      default: return "pong " + data;
    }
  }
  std::string head;  // of the answer to the handshake

 private:
  std::string read(size_t size, double seconds) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (buffer_.size() < size) {
      const std::string more = read_some(end);
      if (more.empty()) break;
      buffer_ += more;
    }
    std::string front = buffer_.substr(0, size);
    buffer_.erase(0, front.size());
    return front;
  }
  std::string buffer_;
};

}  // namespace maru::http
