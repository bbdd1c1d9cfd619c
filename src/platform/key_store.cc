#include "platform/key_store.h"

#include <optional>
#include <unordered_map>
#include <utility>

#include "base/hash.h"
#include "platform/utc_time.h"

namespace maru::platform {
namespace {

constexpr size_t kMaxKeyBytes = 512;  // of what is hashed on a network thread

struct Entry {
  Principal principal;
  std::optional<UtcTime> expires;
};

Entry entry_of(const KeyRecord& key) {
  Entry entry{.principal = {.tenant = key.tenant.empty() ? "key " + key.name : key.tenant,
                            .key = "key " + key.name,
                            .scopes = key.scopes,
                            .models = key.models,
                            .weight = key.weight,
                            .limits = {.requests_per_minute = key.requests_per_minute,
                                       .tokens_per_minute = key.tokens_per_minute,
                                       .parallel_choices = key.parallel_choices}},
              .expires = {}};
  if (!key.expires.empty()) entry.expires = parse_utc(key.expires).value();
  return entry;
}

}  // namespace

/// By hash. How long a search takes may tell something of the hash of a guessed key, and nothing of any key.
struct KeyStore::Table {
  std::unordered_map<std::string, Entry> entries;
};

KeyStore::KeyStore(const fs::path& file, FileWatch::Warn warn, Now now, std::chrono::milliseconds period)
    : now_(std::move(now)),
      watch_(
          {file},
          [this, file] {
            auto table = std::make_shared<Table>();
            for (const KeyRecord& key : read_key_file(file).keys)
              if (!key.disabled) table->entries.emplace(key.hash, entry_of(key));
            std::lock_guard lock(mutex_);
            table_ = std::move(table);
          },
          std::move(warn), "the keys read before stay in force", period) {}

KeyStore::~KeyStore() = default;

std::optional<Principal> KeyStore::principal_of(std::string_view key) const {
  if (key.empty() || key.size() > kMaxKeyBytes) return std::nullopt;
  std::shared_ptr<const Table> table;
  {
    std::lock_guard lock(mutex_);
    table = table_;
  }
  const auto found = table->entries.find(sha256_hex(key));
  if (found == table->entries.end()) return std::nullopt;
  const Entry& entry = found->second;
  if (entry.expires && now_() >= *entry.expires) return std::nullopt;
  return entry.principal;
}

}  // namespace maru::platform
