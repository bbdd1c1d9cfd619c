#include "base/aes_gcm.h"

#include <openssl/evp.h>

#include <memory>

#include "base/error.h"
#include "base/hmac.h"

namespace maru {
namespace {

struct Free {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, Free>;

const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
int size(std::string_view text) { return static_cast<int>(text.size()); }

Context begin(std::string_view key, std::string_view nonce, bool sealing) {
  CHECK(key.size() == kAesKeyBytes && nonce.size() == kGcmNonceBytes);
  Context context(EVP_CIPHER_CTX_new());
  CHECK(context != nullptr);
  CHECK(EVP_CipherInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, bytes(key), bytes(nonce), sealing ? 1 : 0) == 1);
  return context;
}

/// What stands beside it, then the text itself.
std::string run(EVP_CIPHER_CTX* context, std::string_view text, std::string_view bound) {
  int written = 0;
  std::string out(text.size(), '\0');
  if (!bound.empty()) CHECK(EVP_CipherUpdate(context, nullptr, &written, bytes(bound), size(bound)) == 1);
  if (!text.empty()) CHECK(EVP_CipherUpdate(context, bytes(out), &written, bytes(text), size(text)) == 1);
  return out;
}

}  // namespace

std::string seal_with_nonce(std::string_view key, std::string_view nonce, std::string_view text,
                            std::string_view bound) {
  const Context context = begin(key, nonce, true);
  std::string sealed = std::string(nonce) + run(context.get(), text, bound);
  std::string tag(kGcmTagBytes, '\0');
  int written = 0;
  CHECK(EVP_CipherFinal_ex(context.get(), bytes(tag), &written) == 1);
  CHECK(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kGcmTagBytes, tag.data()) == 1);
  return sealed + tag;
}

std::string seal(std::string_view key, std::string_view text, std::string_view bound) {
  return seal_with_nonce(key, random_secret(kGcmNonceBytes), text, bound);
}

std::optional<std::string> unseal(std::string_view key, std::string_view sealed, std::string_view bound) {
  if (sealed.size() < kGcmNonceBytes + kGcmTagBytes) return std::nullopt;
  const Context context = begin(key, sealed.substr(0, kGcmNonceBytes), false);
  const std::string_view text = sealed.substr(kGcmNonceBytes, sealed.size() - kGcmNonceBytes - kGcmTagBytes);
  std::string tag(sealed.substr(sealed.size() - kGcmTagBytes));
  CHECK(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kGcmTagBytes, tag.data()) == 1);
  std::string opened = run(context.get(), text, bound);
  int written = 0;
  if (EVP_CipherFinal_ex(context.get(), bytes(tag), &written) != 1) return std::nullopt;
  return opened;
}

}  // namespace maru
