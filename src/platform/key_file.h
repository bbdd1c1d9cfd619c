// The file of API keys: who may use a server and how much of it. It holds no key, only SHA-256 of each: a key has 256
// random bits, so its hash tells nothing of it and needs no salt.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/fields.h"
#include "base/file.h"

namespace maru::platform {

struct KeyRecord {
  std::string name, hash, prefix, tenant;
  std::vector<std::string> scopes{"inference", "read"}, models;
  double weight = 1;
  int64_t requests_per_minute = 0, tokens_per_minute = 0, parallel_choices = 0;
  std::string expires;
  bool disabled = false;

  static constexpr auto fields() {
    using C = KeyRecord;
    return std::tuple{
        field("name", &C::name, "of the key, unlike any other; letters, digits and . _ - @"),
        field("hash", &C::hash, "SHA-256 of the key, hexadecimal"),
        field("prefix", &C::prefix, "what the key begins with, so that people can tell keys apart").unless_empty(),
        field("tenant", &C::tenant, "its workspace: these take turns; empty: the key is its own, and has no files")
            .unless_empty(),
        field("scopes", &C::scopes,
              "what it may do: ask models, read the server's state and files, write files, run its workspace, load and "
              "unload, everything")
            .one_of("inference|read|write|admin|manage|*"),
        field("models", &C::models, "the models it may ask; empty: all").unless_empty(),
        field("weight", &C::weight, "of its tenant: with 2 it gets twice as much as one with 1").range(0.001, 1000),
        field("requests_per_minute", &C::requests_per_minute, "0: no limit").range(0, 1e9),
        field("tokens_per_minute", &C::tokens_per_minute, "of prompts and answers together; 0: no limit")
            .range(0, 1e12),
        field("parallel_choices", &C::parallel_choices, "running and waiting; 0: the server's max_choices_per_client")
            .range(0, 1 << 20),
        field("expires", &C::expires, "the first moment (UTC) at which it is unknown: 2027-01-31T00:00:00Z")
            .unless_empty(),
        field("disabled", &C::disabled, "revoked")};
  }
};

struct KeyList {
  std::vector<KeyRecord> keys;

  static constexpr auto fields() { return std::tuple{field("keys", &KeyList::keys, "the keys of a server")}; }
};

/// `name` says what the text is: .yaml and .yml are YAML, anything else JSON.
///
/// Throws   kInvalidArgument naming the record and the field: two of one name or one hash, no hash, a bad time.
KeyList parse_keys(std::string_view text, const fs::path& name);
/// Throws   kInvalidArgument when someone else than its owner may read or write the file, or it is not this user's.
KeyList read_key_file(const fs::path& path);

/// What a new key is made with; its name must not be there yet. The file is made when there is none.
///
/// Returns  the key, which is nowhere else.
/// Throws   kExists for a name that is taken; what read_key_file throws; kInvalidArgument for YAML, which people keep.
std::string create_key(const fs::path& path, KeyRecord record);
/// Marks it as disabled.
///
/// Throws   kNotFound; otherwise as create_key.
void revoke_key(const fs::path& path, std::string_view name);

}  // namespace maru::platform
