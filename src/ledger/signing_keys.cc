#include "ledger/signing_keys.h"

#include <algorithm>

#include "base/file_lock.h"
#include "base/private_file.h"
#include "base/temporary.h"
#include "ledger/signed_json.h"

namespace maru::ledger {
namespace {

constexpr uint64_t kMaxKeyBytes = 1 << 16;
constexpr unsigned kOwnerAlone = 0600;
constexpr const char *kPublicFolder = "public", *kEnding = ".pem";

}  // namespace

fs::path SigningKeys::public_file(const Ed25519PublicKey& key) const {
  return directory_ / kPublicFolder / (key_id_of(key) + kEnding);
}

std::optional<Ed25519Key> SigningKeys::current() const {
  const fs::path file = private_file();
  if (!fs::exists(fs::symlink_status(file))) return std::nullopt;
  return Ed25519Key::from_pem(read_private_file(file, kMaxKeyBytes), file.string()).value();
}

Ed25519Key SigningKeys::current_or_new() const {
  if (std::optional<Ed25519Key> key = current()) return *key;
  fs::create_directories(directory_);
  const FileLock lock(private_file());
  if (std::optional<Ed25519Key> key = current()) return *key;  // somebody was faster
  return make();
}

Ed25519Key SigningKeys::rotate() const {
  fs::create_directories(directory_);
  const FileLock lock(private_file());
  return make();
}

/// The lock is held. The public key is there before anything is signed with it.
Ed25519Key SigningKeys::make() const {
  const Ed25519Key key = Ed25519Key::generate();
  keep(key.public_key());
  AtomicFile file(private_file(), kOwnerAlone);
  file.write(key.pem());
  file.commit();
  return key;
}

void SigningKeys::keep(const Ed25519PublicKey& key) const {
  fs::create_directories(directory_ / kPublicFolder);
  write_file(public_file(key), key.pem());
}

std::vector<Ed25519PublicKey> SigningKeys::trusted() const {
  std::vector<fs::path> files;
  if (!fs::exists(directory_ / kPublicFolder)) return {};
  for (const fs::directory_entry& entry : fs::directory_iterator(directory_ / kPublicFolder))
    if (entry.path().extension() == kEnding && !is_temporary(entry.path().filename().string()))
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<Ed25519PublicKey> keys;
  for (const fs::path& file : files) keys.push_back(read_public_key(file));
  return keys;
}

Ed25519PublicKey SigningKeys::trust(const fs::path& file) const {
  const Ed25519PublicKey key = read_public_key(file);
  keep(key);
  return key;
}

Ed25519PublicKey read_public_key(const fs::path& file) {
  return Ed25519PublicKey::from_pem(read_file(file, kMaxKeyBytes), file.string()).value();
}

}  // namespace maru::ledger
