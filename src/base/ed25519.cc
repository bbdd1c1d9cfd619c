#include "base/ed25519.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <utility>

namespace maru {
namespace {

template <auto kFree>
struct Free {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Context = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;
using Memory = std::unique_ptr<BIO, Free<BIO_free_all>>;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

Memory memory_of(std::string_view text) {
  Memory memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  CHECK(memory != nullptr);
  return memory;
}

template <class Write>
std::string written(const Write& write) {
  const Memory memory(BIO_new(BIO_s_mem()));
  CHECK(memory != nullptr && write(memory.get()) == 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<size_t>(size)};
}

/// Never asks the terminal for a passphrase.
int no_passphrase(char*, int, int, void*) { return 0; }

constexpr size_t kMaxPemBytes = 1 << 16;

bool is_ed25519(const Key& key) { return key != nullptr && EVP_PKEY_get_id(key.get()) == EVP_PKEY_ED25519; }

std::string public_bytes(const EVP_PKEY* key) {
  std::string bytes(Ed25519PublicKey::kBytes, '\0');
  size_t size = bytes.size();
  CHECK(EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(bytes.data()), &size) == 1);
  CHECK(size == bytes.size());
  return bytes;
}

Error no_key(std::string_view name, const char* expected) {
  return {ErrorCode::kInvalidArgument, std::string(name) + ": expected " + expected};
}

}  // namespace

Ed25519PublicKey::Ed25519PublicKey(std::string bytes) : bytes_(std::move(bytes)) { CHECK(bytes_.size() == kBytes); }

Result<Ed25519PublicKey> Ed25519PublicKey::from_pem(std::string_view pem, std::string_view name) {
  if (pem.size() > kMaxPemBytes) return no_key(name, "a public key of Ed25519 in PEM");
  const Key key(PEM_read_bio_PUBKEY(memory_of(pem).get(), nullptr, no_passphrase, nullptr));
  if (!is_ed25519(key)) return no_key(name, "a public key of Ed25519 in PEM");
  return Ed25519PublicKey(public_bytes(key.get()));
}

std::string Ed25519PublicKey::pem() const {
  const Key key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(bytes_), bytes_.size()));
  CHECK(key != nullptr);
  return written([&](BIO* to) { return PEM_write_bio_PUBKEY(to, key.get()); });
}

bool Ed25519PublicKey::verifies(std::string_view message, std::string_view signature) const {
  if (signature.size() != kSignatureBytes) return false;
  const Key key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(bytes_), bytes_.size()));
  const Context context(EVP_MD_CTX_new());
  CHECK(key != nullptr && context != nullptr);
  return EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(message), message.size()) == 1;
}

struct Ed25519Key::State {
  Key key;
};

Ed25519Key::Ed25519Key(std::shared_ptr<const State> state)
    : state_(std::move(state)), public_(public_bytes(state_->key.get())) {}

Ed25519Key Ed25519Key::generate() {
  Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  if (key == nullptr) throw Failure(ErrorCode::kInternal, "the system gives no random numbers for a key");
  return Ed25519Key(std::make_shared<const State>(State{std::move(key)}));
}

Ed25519Key Ed25519Key::from_seed(std::string_view seed) {
  CHECK(seed.size() == Ed25519PublicKey::kBytes);
  Key key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes_of(seed), seed.size()));
  CHECK(key != nullptr);
  return Ed25519Key(std::make_shared<const State>(State{std::move(key)}));
}

Result<Ed25519Key> Ed25519Key::from_pem(std::string_view pem, std::string_view name) {
  if (pem.size() > kMaxPemBytes) return no_key(name, "a private key of Ed25519 in PEM, without a passphrase");
  Key key(PEM_read_bio_PrivateKey(memory_of(pem).get(), nullptr, no_passphrase, nullptr));
  if (!is_ed25519(key)) return no_key(name, "a private key of Ed25519 in PEM, without a passphrase");
  return Ed25519Key(std::make_shared<const State>(State{std::move(key)}));
}

std::string Ed25519Key::pem() const {
  return written([&](BIO* to) {
    return PEM_write_bio_PKCS8PrivateKey(to, state_->key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

std::string Ed25519Key::sign(std::string_view message) const {
  const Context context(EVP_MD_CTX_new());
  CHECK(context != nullptr);
  CHECK(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, state_->key.get()) == 1);
  std::string signature(Ed25519PublicKey::kSignatureBytes, '\0');
  size_t size = signature.size();
  CHECK(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes_of(message),
                       message.size()) == 1);
  CHECK(size == signature.size());
  return signature;
}

}  // namespace maru
