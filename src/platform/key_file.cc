#include "platform/key_file.h"

#include <sys/random.h>

#include <algorithm>
#include <unordered_set>

#include "base/file_lock.h"
#include "base/hash.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/private_file.h"
#include "base/temporary.h"
#include "platform/utc_time.h"

namespace maru::platform {
namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{256} << 20;
constexpr size_t kRandomBytes = 32, kPrefixDigits = 8, kMaxNameBytes = 100;
constexpr std::string_view kKeyWord = "maru-";

[[noreturn]] void refuse_file(const std::string& what) { throw Failure(ErrorCode::kInvalidArgument, what); }

bool is_yaml(const fs::path& path) { return path.extension() == ".yaml" || path.extension() == ".yml"; }

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-' || c == '@';
  });
}

bool is_hash(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

void check(const KeyRecord& key, const std::string& where) {
  if (!is_name(key.name))
    refuse_file(where + ".name: expected 1 to 100 letters, digits and . _ - @, got " + brief(Json(key.name)));
  const std::string named = where + " (" + key.name + ").";
  if (!is_hash(key.hash))
    refuse_file(named + "hash: expected the SHA-256 of the key, 64 hexadecimal digits in lower case");
  if (!key.tenant.empty() && !is_name(key.tenant))
    refuse_file(named + "tenant: expected letters, digits and . _ - @, got " + brief(Json(key.tenant)));
  if (key.expires.empty()) return;
  if (const Result<UtcTime> time = parse_utc(key.expires); !time)
    refuse_file(named + "expires: " + time.error().message);
}

std::string random_hex() {
  unsigned char bytes[kRandomBytes];
  if (::getrandom(bytes, sizeof bytes, 0) != sizeof bytes)  // at most 256 bytes: never interrupted, never fewer
    throw Failure(ErrorCode::kInternal, "the system gives no random numbers");
  return to_hex({reinterpret_cast<const char*>(bytes), sizeof bytes});
}

/// Reads, changes and replaces the file; no other program does so meanwhile.
template <class Change>
void edit(const fs::path& path, bool may_lack, const Change& change) {
  if (is_yaml(path))
    refuse_file(path.string() + ": YAML is kept by hand, with its comments; give a file whose name ends in .json");
  if (path.has_parent_path()) fs::create_directories(path.parent_path());
  const FileLock lock(path);
  remove_leftovers_of(fs::absolute(path), /*locked=*/true);
  KeyList list;
  if (!may_lack || fs::exists(path)) list = read_key_file(path);
  change(list);
  AtomicFile file(path, 0600);
  file.write(to_json(list).dump(2) + "\n");
  file.commit();
}

}  // namespace

KeyList parse_keys(std::string_view text, const fs::path& name) {
  const std::string where = name.string();
  const Json json = (is_yaml(name) ? parse_yaml(text, where) : parse_json(text, where)).value();
  KeyList list = from_json<KeyList>(json, where);
  std::unordered_set<std::string_view> names, hashes;
  for (size_t i = 0; i < list.keys.size(); ++i) {
    const KeyRecord& key = list.keys[i];
    const std::string at = where + ": keys[" + std::to_string(i) + "]";
    check(key, at);
    if (!names.insert(key.name).second) refuse_file(at + ".name: there is another key called " + key.name);
    if (!hashes.insert(key.hash).second)
      refuse_file(at + " (" + key.name + ").hash: another record is of this key too");
  }
  return list;
}

KeyList read_key_file(const fs::path& path) { return parse_keys(read_private_file(path, kMaxFileBytes), path); }

std::string create_key(const fs::path& path, KeyRecord record) {
  const std::string digits = random_hex();
  const std::string key = std::string(kKeyWord) + digits;
  record.hash = sha256_hex(key);
  record.prefix = std::string(kKeyWord) + digits.substr(0, kPrefixDigits);
  check(record, "key");
  edit(path, true, [&](KeyList& list) {
    for (const KeyRecord& other : list.keys)
      if (other.name == record.name)
        throw Failure(ErrorCode::kExists, path.string() + ": has a key called " + record.name + " already");
    list.keys.push_back(std::move(record));
  });
  return key;
}

void revoke_key(const fs::path& path, std::string_view name) {
  edit(path, false, [&](KeyList& list) {
    const auto key = std::find_if(list.keys.begin(), list.keys.end(), [&](const auto& k) { return k.name == name; });
    if (key == list.keys.end())
      throw Failure(ErrorCode::kNotFound, path.string() + ": has no key called " + std::string(name));
    key->disabled = true;
  });
}

}  // namespace maru::platform
