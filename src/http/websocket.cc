#include "http/websocket.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/base64.h"
#include "base/utf8.h"
#include "http/message.h"

namespace maru::http {
namespace {

constexpr std::string_view kMagic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // §1.3
constexpr size_t kMaxControl = 125;
constexpr size_t kKeyBytes = 16;
constexpr std::array<uint8_t, 3> kHeadSizes = {2, 4, 10};  // without a mask: by the width of the length

bool lists(std::string_view header, std::string_view word) {
  while (!header.empty()) {
    const size_t comma = std::min(header.find(','), header.size());
    if (same_word(trim_blanks(header.substr(0, comma)), word)) return true;
    header.remove_prefix(std::min(comma + 1, header.size()));
  }
  return false;
}

/// 16 bytes in base64: 22 letters and two '='.
bool is_key(std::string_view key) {
  constexpr size_t kSize = 4 * ((kKeyBytes + 2) / 3);
  return key.size() == kSize && key.ends_with("==") && from_base64(key).has_value();
}

std::string accept_of(std::string_view key) {
  const std::string text = std::string(key) + std::string(kMagic);
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  CHECK(EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(digest.data()), &size, EVP_sha1(),
                   nullptr) == 1);
  return to_base64(std::string_view(digest).substr(0, size));
}

void append_big_endian(std::string& to, uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) to += static_cast<char>(value >> (8 * i) & 0xFF);
}

uint64_t big_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

/// That an endpoint may say: those the RFC and its registry define for the wire, libraries' and applications' own.
bool is_sendable(uint64_t status) {
  return (status >= 1000 && status <= 1014 && status != 1004 && status != 1005 && status != 1006) ||
         (status >= 3000 && status <= 4999);
}

}  // namespace

std::optional<Problem> upgrade_problem(const Request& request) {
  if (request.method != Method::kGet || !lists(request.header("upgrade"), "websocket") ||
      !lists(request.header("connection"), "upgrade"))
    return Problem{.status = 426,
                   .message = "this is a WebSocket: ask with GET, \"Upgrade: websocket\" and \"Connection: Upgrade\"",
                   .word = "upgrade_required"};
  if (trim_blanks(request.header("sec-websocket-version")) != "13")
    return Problem{.status = 426, .message = "Sec-WebSocket-Version: expected 13", .word = "upgrade_required"};
  if (!is_key(trim_blanks(request.header("sec-websocket-key"))))
    return Problem{
        .status = 400, .message = "Sec-WebSocket-Key: expected 16 bytes in base64", .word = "malformed_request"};
  return std::nullopt;
}

std::string upgrade_head(const Request& request, const Headers& more) {
  std::string head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  head += "Sec-WebSocket-Accept: " + accept_of(trim_blanks(request.header("sec-websocket-key"))) + "\r\n";
  for (const auto& [name, value] : more) head += name + ": " + value + "\r\n";
  return head + "\r\n";
}

std::string frame_of(Frame::Kind kind, std::string_view data) {
  std::string frame(1, static_cast<char>(0x80 | static_cast<uint8_t>(kind)));
  if (data.size() <= kMaxControl) {
    frame += static_cast<char>(data.size());
  } else if (data.size() <= 0xFFFF) {
    frame += static_cast<char>(126);
    append_big_endian(frame, data.size(), 2);
  } else {
    frame += static_cast<char>(127);
    append_big_endian(frame, data.size(), 8);
  }
  frame += data;
  return frame;
}

std::string close_frame(CloseStatus status, std::string_view reason) {
  std::string data;
  append_big_endian(data, static_cast<uint64_t>(status), 2);
  reason = reason.substr(0, kMaxControl - 2);
  data += reason.substr(0, reason.size() - incomplete_suffix(reason));
  return frame_of(Frame::Kind::kClose, data);
}

void FrameReader::refuse(CloseStatus status, std::string reason) { fault_ = {status, std::move(reason)}; }

size_t FrameReader::feed(std::string_view bytes) {
  size_t taken = 0;
  while (taken < bytes.size() && !frame_ && !fault_) {
    if (!head_read_) {
      head_ += bytes[taken++];
      read_head();
    } else {
      const size_t count = static_cast<size_t>(std::min<uint64_t>(left_, bytes.size() - taken));
      std::string& payload = is_control() ? control_ : parts_->data;
      for (const char c : bytes.substr(taken, count))
        payload += static_cast<char>(c ^ head_[head_.size() - 4 + position_++ % 4]);
      taken += count;
      left_ -= count;
    }
    if (head_read_ && left_ == 0 && !fault_) end_frame();
  }
  return taken;
}

/// Judges the head as far as it came, byte by byte: a client that does not speak WebSocket is found out early.
void FrameReader::read_head() {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(head_[i]); };
  if (head_.size() == 1) {
    const uint8_t code = opcode();
    if ((byte(0) & 0x70) != 0) return refuse(CloseStatus::kProtocolError, "reserved bits are set");
    if (code > 10 || (code > 2 && code < 8)) return refuse(CloseStatus::kProtocolError, "unknown opcode");
    if (is_control() && !final()) return refuse(CloseStatus::kProtocolError, "a control frame in parts");
    if (code == 0 && !parts_) return refuse(CloseStatus::kProtocolError, "nothing to continue");
    if ((code == 1 || code == 2) && parts_) return refuse(CloseStatus::kProtocolError, "the last message is not whole");
    return;
  }
  const uint8_t shortest = byte(1) & 0x7F;
  if (head_.size() == 2) {
    if ((byte(1) & 0x80) == 0) return refuse(CloseStatus::kProtocolError, "a frame without a mask");
    if (is_control() && shortest > kMaxControl) return refuse(CloseStatus::kProtocolError, "a long control frame");
  }
  const size_t width = shortest == 126 ? 1 : shortest == 127 ? 2 : 0;
  if (head_.size() < kHeadSizes[width] + size_t{4}) return;
  const uint64_t length = width == 0 ? shortest : big_endian(std::string_view(head_).substr(2, kHeadSizes[width] - 2));
  if ((width == 1 && length <= kMaxControl) || (width == 2 && (length <= 0xFFFF || length >> 63 != 0)))
    return refuse(CloseStatus::kProtocolError, "a length that is not the shortest form");
  begin_frame(length);
}

void FrameReader::begin_frame(uint64_t length) {
  if (!is_control()) {
    if (opcode() != 0) parts_ = Frame{.kind = static_cast<Frame::Kind>(opcode())};
    if (length > max_message_ - parts_->data.size())
      return refuse(CloseStatus::kTooLong, "a message is longer than " + std::to_string(max_message_) + " bytes");
  }
  left_ = length;
  position_ = 0;
  head_read_ = true;
}

void FrameReader::end_frame() {
  if (is_control())
    frame_ = Frame{.kind = static_cast<Frame::Kind>(opcode()), .data = std::exchange(control_, {})};
  else if (final())
    end_message(*std::exchange(parts_, std::nullopt));
  head_.clear();
  head_read_ = false;
}

void FrameReader::end_message(Frame whole) {
  if (whole.kind == Frame::Kind::kText && !is_valid_utf8(whole.data))
    return refuse(CloseStatus::kInvalidText, "a text that is not UTF-8");
  frame_ = std::move(whole);
}

CloseStatus answer_to_close(std::string_view payload) {
  if (payload.empty()) return CloseStatus::kNormal;
  if (payload.size() == 1 || !is_sendable(big_endian(payload.substr(0, 2)))) return CloseStatus::kProtocolError;
  return is_valid_utf8(payload.substr(2)) ? CloseStatus::kNormal : CloseStatus::kInvalidText;
}

}  // namespace maru::http
