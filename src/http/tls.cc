#include "http/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <utility>

namespace maru::http {
namespace {

template <auto kFree>
struct Freer {
  template <class T>
  void operator()(T* p) const {
    kFree(p);
  }
};
using Context = std::unique_ptr<SSL_CTX, Freer<SSL_CTX_free>>;
using Session = std::unique_ptr<SSL, Freer<SSL_free>>;

constexpr unsigned char kHttp11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

/// What OpenSSL says of the last thing that failed.
std::string reason() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* text = ERR_reason_error_string(code);
  return text == nullptr ? "unknown error" : text;
}

[[noreturn]] void refuse_file(const std::string& what) { throw Failure(ErrorCode::kInvalidArgument, what); }

/// OpenSSL would ask on the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

int choose_protocol(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in, unsigned in_size,
                    void*) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, size, kHttp11, sizeof kHttp11, in, in_size) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

void set_rules(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(
      context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_default_passwd_cb(context, no_passphrase);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
}

/// Read by us, so that what is wrong with reading it is said as of every other file.
void check_readable(const fs::path& path) { read_file(path, 16 << 20); }

void load_identity(SSL_CTX* context, const TlsFiles& files) {
  const std::string certificate = files.certificate.string(), key = files.key.string();
  check_readable(files.certificate);
  if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1)
    refuse_file(certificate + ": expected a certificate in PEM: " + reason());
  check_readable(files.key);
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) == 1 &&
      SSL_CTX_check_private_key(context) == 1)
    return;
  const unsigned long code = ERR_peek_last_error();
  const bool mismatch = ERR_GET_LIB(code) == ERR_LIB_X509;  // types or values of the two differ
  const std::string why = reason();
  if (mismatch) refuse_file(key + ": is not the key of the certificate in " + certificate);
  refuse_file(key + ": expected a private key in PEM, without a passphrase: " + why);
}

void load_client_ca(SSL_CTX* context, const fs::path& path) {
  check_readable(path);
  STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(path.c_str());
  if (names == nullptr || SSL_CTX_load_verify_locations(context, path.c_str(), nullptr) != 1)
    refuse_file(path.string() + ": expected certificates in PEM, of those who sign clients' certificates: " + reason());
  SSL_CTX_set_client_CA_list(context, names);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
}

}  // namespace

struct TlsIdentity::State {
  Context context{SSL_CTX_new(TLS_server_method())};
};

TlsIdentity::TlsIdentity(const TlsFiles& files) : state_(std::make_unique<State>()) {
  if (state_->context == nullptr) throw Failure(ErrorCode::kInternal, "TLS: " + reason());
  ERR_clear_error();
  set_rules(state_->context.get());
  load_identity(state_->context.get(), files);
  if (!files.client_ca.empty()) load_client_ca(state_->context.get(), files.client_ca);
}

TlsIdentity::~TlsIdentity() = default;

struct TlsSession::State {
  std::shared_ptr<const TlsIdentity> identity;
  Session ssl;
  BIO* in = nullptr;  // both are the session's
  BIO* out = nullptr;
  bool established = false, closed = false;

  void drain(std::string& wire) {
    char bytes[16 << 10];
    for (int n = 0; (n = BIO_read(out, bytes, sizeof bytes)) > 0;) wire.append(bytes, static_cast<size_t>(n));
  }
  /// What a call that did not succeed means: false when nothing can follow.
  bool go_on(int result) {
    const int error = SSL_get_error(ssl.get(), result);
    closed |= error == SSL_ERROR_ZERO_RETURN;
    ERR_clear_error();
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_ZERO_RETURN;
  }
  bool read(std::string& plain) {
    char bytes[16 << 10];
    for (;;) {
      const int n = SSL_read(ssl.get(), bytes, sizeof bytes);
      if (n <= 0) return go_on(n);
      plain.append(bytes, static_cast<size_t>(n));
    }
  }
};

TlsSession::TlsSession(std::shared_ptr<const TlsIdentity> identity) : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.identity = std::move(identity);
  s.ssl.reset(SSL_new(s.identity->state_->context.get()));
  s.in = BIO_new(BIO_s_mem());
  s.out = BIO_new(BIO_s_mem());
  if (s.ssl == nullptr || s.in == nullptr || s.out == nullptr) throw std::bad_alloc();
  SSL_set_bio(s.ssl.get(), s.in, s.out);
  SSL_set_accept_state(s.ssl.get());
}

TlsSession::~TlsSession() = default;

bool TlsSession::receive(std::string_view bytes, std::string& plain, std::string& wire) {
  State& s = *state_;
  ERR_clear_error();
  bool good = BIO_write(s.in, bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size());
  if (good && !established()) {
    const int result = SSL_do_handshake(s.ssl.get());
    s.established = result == 1;
    good = s.established || s.go_on(result);
  }
  if (good && established()) good = s.read(plain);
  s.drain(wire);
  return good;
}

bool TlsSession::established() const { return state_->established; }
bool TlsSession::closed() const { return state_->closed; }

bool TlsSession::send(std::string_view plain, std::string& wire) {
  State& s = *state_;
  CHECK(established());
  ERR_clear_error();
  while (!plain.empty()) {
    const int n = SSL_write(s.ssl.get(), plain.data(), static_cast<int>(std::min<size_t>(plain.size(), 1 << 20)));
    if (n <= 0) break;  // memory takes everything: after a fatal alert, or amid a handshake that the client began
    plain.remove_prefix(static_cast<size_t>(n));
  }
  ERR_clear_error();
  s.drain(wire);
  return plain.empty();
}

void TlsSession::close(std::string& wire) {
  ERR_clear_error();
  if (established()) SSL_shutdown(state_->ssl.get());
  ERR_clear_error();
  state_->drain(wire);
}

}  // namespace maru::http
