// For tests: certificates made on the spot, and a client that speaks TLS.
#pragma once
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/file.h"
#include "http/test_client.h"

namespace maru::http {

/// A key with a certificate: its own, or signed by another.
class TestCertificate {
 public:
  explicit TestCertificate(const std::string& name, const TestCertificate* signer = nullptr)
      : key_(EVP_EC_gen("P-256"), EVP_PKEY_free), certificate_(X509_new(), X509_free) {
    X509* x = certificate_.get();
    static long serial = 1;
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    X509_set_pubkey(x, key_.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(signer == nullptr ? x : signer->certificate_.get()));
    add(NID_basic_constraints, signer == nullptr ? "critical,CA:TRUE" : "CA:FALSE");
    add(NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
    CHECK(X509_sign(x, signer == nullptr ? key_.get() : signer->key_.get(), EVP_sha256()) > 0);
  }
  std::string pem() const {
    return text([&](BIO* to) { PEM_write_bio_X509(to, certificate_.get()); });
  }
  /// With a passphrase where one is given.
  std::string key_pem(const char* passphrase = nullptr) const {
    return text([&](BIO* to) {
      PEM_write_bio_PrivateKey(to, key_.get(), passphrase == nullptr ? nullptr : EVP_aes_256_cbc(), nullptr, 0, nullptr,
                               const_cast<char*>(passphrase));
    });
  }
  X509* certificate() const { return certificate_.get(); }
  EVP_PKEY* key() const { return key_.get(); }

 private:
  void add(int what, const char* value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, what, value);
    X509_add_ext(certificate_.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }
  template <class Write>
  static std::string text(const Write& write) {
    BIO* bio = BIO_new(BIO_s_mem());
    write(bio);
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(bio, &bytes);
    std::string pem(bytes, static_cast<size_t>(size));
    BIO_free(bio);
    return pem;
  }
  std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key_;
  std::unique_ptr<X509, void (*)(X509*)> certificate_;
};

/// A client that waits for a server, or with `connect` false speaks through two memories.
class TestTlsClient {
 public:
  explicit TestTlsClient(const TestCertificate& ca, const TestCertificate* own = nullptr, int version = 0)
      : context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free), ssl_(nullptr, SSL_free) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context_.get()), ca.certificate());
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    if (version != 0) {
      SSL_CTX_set_security_level(context_.get(), 0);
      SSL_CTX_set_min_proto_version(context_.get(), version);
      SSL_CTX_set_max_proto_version(context_.get(), version);
    }
    if (own != nullptr) {
      SSL_CTX_use_certificate(context_.get(), own->certificate());
      SSL_CTX_use_PrivateKey(context_.get(), own->key());
    }
    ssl_.reset(SSL_new(context_.get()));
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl_.get(), in_, out_);
    SSL_set_connect_state(ssl_.get());
  }
  SSL* ssl() { return ssl_.get(); }

  /// What it has to say by now.
  std::string take() {
    std::string wire;
    char bytes[4096];
    for (int n = 0; (n = BIO_read(out_, bytes, sizeof bytes)) > 0;) wire.append(bytes, static_cast<size_t>(n));
    return wire;
  }
  /// Hears `wire`; false once the handshake has failed.
  bool hear(std::string_view wire) {
    BIO_write(in_, wire.data(), static_cast<int>(wire.size()));
    const int result = SSL_do_handshake(ssl_.get());
    const bool good = result == 1 || SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ;
    ERR_clear_error();
    return good;
  }
  void say(std::string_view plain) { SSL_write(ssl_.get(), plain.data(), static_cast<int>(plain.size())); }
  /// All that came by now.
  std::string heard() {
    std::string plain;
    char bytes[4096];
    for (int n = 0; (n = SSL_read(ssl_.get(), bytes, sizeof bytes)) > 0;) plain.append(bytes, static_cast<size_t>(n));
    ERR_clear_error();
    return plain;
  }
  bool ready() { return SSL_is_init_finished(ssl_.get()) == 1; }

  /// Over a socket: the handshake, a request, and what comes back until `mark` or the end.
  std::string ask(TestClient& socket, std::string_view request, std::string_view mark, double seconds = 10) {
    bool good = true;
    if (!ready()) hear("");
    std::string answer;
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    for (bool asked = false; good && std::chrono::steady_clock::now() < end;) {
      if (ready() && !asked) say(request), asked = true;
      if (const std::string wire = take(); !wire.empty() && !socket.send(wire)) break;
      const std::string came = socket.read_some(end);
      if (came.empty()) break;
      good = hear(came);
      if (ready()) answer += heard();
      if (answer.find(mark) != std::string::npos) break;
    }
    if (const std::string wire = take(); !wire.empty()) socket.send(wire);
    return answer;
  }

 private:
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
  BIO* in_ = nullptr;
  BIO* out_ = nullptr;
};

/// A folder with an identity of a server in it.
struct TestIdentity {
  explicit TestIdentity(const fs::path& folder) : folder(folder) {
    fs::create_directories(folder);
    install(TestCertificate("server", &ca));
  }
  ~TestIdentity() { fs::remove_all(folder); }
  void install(const TestCertificate& server) {
    write_file(folder / "key.pem", server.key_pem());
    write_file(folder / "certificate.pem", server.pem());
    write_file(folder / "ca.pem", ca.pem());
  }
  const fs::path folder;
  TestCertificate ca{"authority"};
};

}  // namespace maru::http
