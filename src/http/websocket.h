// WebSocket (RFC 6455): the handshake, and frames as bytes. No extensions, no subprotocols.
//
// Strict, as the rest of the transport is: whatever the RFC forbids a client ends the connection with the status that
// it names.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/http.h"
#include "http/problem.h"

namespace maru::http {

/// The status of a closing frame (RFC 6455 §7.4.1).
enum class CloseStatus : uint16_t {
  kNormal = 1000,
  kGoingAway = 1001,
  kProtocolError = 1002,
  kUnacceptable = 1003,  // a kind of data that is not taken
  kInvalidText = 1007,
  kRefused = 1008,  // whatever has no status of its own
  kTooLong = 1009,
  kTryLater = 1013,
};

/// What keeps a request from becoming a WebSocket; none: it may (§4.2.1).
std::optional<Problem> upgrade_problem(const Request& request);
/// The head that ends the handshake (§4.2.2); `more` headers are added.
std::string upgrade_head(const Request& request, const Headers& more);

struct Frame {
  enum class Kind : uint8_t { kText = 1, kBinary = 2, kClose = 8, kPing = 9, kPong = 10 };
  Kind kind = Kind::kText;
  std::string data;
};
/// One unmasked frame, as servers send them (§5.2).
std::string frame_of(Frame::Kind kind, std::string_view data);
/// A closing frame; `reason` is cut to what fits.
std::string close_frame(CloseStatus status, std::string_view reason);

/// Puts what a client sends together: control frames as they come, data once its last part is there.
class FrameReader {
 public:
  explicit FrameReader(uint64_t max_message) : max_message_(max_message) {}
  struct Fault {
    CloseStatus status = CloseStatus::kProtocolError;
    std::string reason;
  };
  /// Takes from `bytes`, which go on where the last ones ended, up to the end of the next frame that is whole. How many
  /// it took; all of them while `frame()` is empty.
  size_t feed(std::string_view bytes);
  /// The frame that feed() found, once.
  std::optional<Frame> frame() { return std::exchange(frame_, std::nullopt); }
  /// What the client did wrong. Nothing is taken any more then.
  const std::optional<Fault>& fault() const { return fault_; }
  /// A message has begun and is not whole.
  bool in_message() const { return parts_.has_value() || !head_.empty(); }
  /// Bytes of it so far.
  size_t held() const { return parts_ ? parts_->data.size() : 0; }

 private:
  void read_head();
  void begin_frame(uint64_t length);
  void end_frame();
  void end_message(Frame whole);
  void refuse(CloseStatus status, std::string reason);
  bool final() const { return (static_cast<uint8_t>(head_[0]) & 0x80) != 0; }
  uint8_t opcode() const { return static_cast<uint8_t>(head_[0]) & 0x0F; }
  bool is_control() const { return opcode() >= 8; }

  const uint64_t max_message_;
  std::string head_;  // of the frame at hand, with its mask
  bool head_read_ = false;
  uint64_t left_ = 0, position_ = 0;  // bytes of its payload
  std::string control_;               // payload of a control frame
  std::optional<Frame> parts_;        // of the data message at hand
  std::optional<Frame> frame_;
  std::optional<Fault> fault_;
};

/// What a client's closing frame says: its status, or the fault of saying it wrong (§5.5.1, §7.4).
CloseStatus answer_to_close(std::string_view payload);

}  // namespace maru::http
