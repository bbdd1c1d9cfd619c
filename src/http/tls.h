// TLS without a socket: bytes of the wire in, bytes of the client out, and the other way round. So the connection's own
// reads, writes and deadlines stay what they are, and nothing in here ever waits.
//
// TLS 1.2 and 1.3; no renegotiation, no compression, no resumption (a client's certificate is looked at every time, and
// a changed certificate holds for the next connection); HTTP/1.1 where a client asks by ALPN.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/file.h"

namespace maru::http {

/// Where the parts of a server's identity are; PEM files. The certificate's comes with those that signed it behind it.
struct TlsFiles {
  fs::path certificate, key;
  fs::path client_ca;  // empty: clients need no certificate
};

/// A certificate with its key. Immutable, so thread-safe; connections keep it as long as they need it.
class TlsIdentity {
 public:
  /// Throws   kInvalidArgument naming the file: not PEM, another key than the certificate's, a key under a passphrase.
  explicit TlsIdentity(const TlsFiles& files);
  ~TlsIdentity();
  TlsIdentity(const TlsIdentity&) = delete;

 private:
  friend class TlsSession;
  struct State;
  std::unique_ptr<State> state_;
};

/// The server's side of one connection. Used by one thread at a time.
class TlsSession {
 public:
  explicit TlsSession(std::shared_ptr<const TlsIdentity> identity);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;

  /// Takes what came, and appends what it means to `plain` and what must be sent because of it to `wire`. False on
  /// bytes that are no TLS, or none that we speak: what is in `wire` (an alert) is the last to send.
  bool receive(std::string_view bytes, std::string& plain, std::string& wire);
  /// The handshake is done: it may send. Stays so, whatever the client asks for later.
  bool established() const;
  /// The client said that it sends no more.
  bool closed() const;
  /// Only once it is established; false when the client's doings let nothing be sent. Cost: one record per 16 KiB.
  bool send(std::string_view plain, std::string& wire);
  /// Says that nothing more is sent.
  void close(std::string& wire);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace maru::http
