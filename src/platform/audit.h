// Who did what, as a chain: each entry holds the hash of the one before, so that none can be changed, put in between or
// taken out unseen. The last one's hash stands apart as the head, signed where the home has a key to sign with: then
// nobody without that key cuts off the end unseen either.
//
// An entry is written by the transaction that does what it tells of: both are there, or neither.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "ledger/signed_json.h"
#include "platform/database.h"

namespace maru::platform {

struct AuditEvent {
  std::string workspace;  // empty: of the server
  std::string actor;      // the name of a key, "local", "command line"
  std::string action;     // "key.create"
  std::string object;     // what it was done to
  Json details = Json::object();
};

struct AuditEntry {
  int64_t number = 0;  // the first is 1; there are no gaps
  std::string at;      // UTC
  AuditEvent event;
  std::string previous, hash;  // SHA-256, hexadecimal; of nothing before the first: 64 zeros
};

/// As it is exported, and as it is hashed but for its hash.
Json json_of(const AuditEntry& entry);

class Audit {
 public:
  /// `signing`: the folder of a home's keys to sign with; empty: heads are not signed.
  explicit Audit(fs::path signing = {}) : signing_(std::move(signing)) {}
  /// Within the transaction of what it tells of.
  ///
  /// Throws   what the database and the key throw, and then nothing has been done.
  void append(Connection& connection, AuditEvent event) const;

 private:
  const fs::path signing_;
};

/// Behind number `after`, in order, at most `limit`. Of one workspace since it was made: numbered within it and without
/// hashes, which would tell of others.
std::vector<AuditEntry> audit_entries(Connection& connection, const std::optional<std::string>& workspace,
                                      int64_t after, int64_t limit);

struct AuditReport {
  int64_t entries = 0;
  std::string head;  // hash of the last entry; of none, empty
  bool has_expected = false;
  ledger::SignatureCheck signature;
  std::vector<std::string> problems;
};
/// Goes over the whole chain. `expected`: a hash that somebody noted; whether the chain has it.
AuditReport verify_audit(Connection& connection, const std::vector<Ed25519PublicKey>& trusted,
                         std::string_view expected);

}  // namespace maru::platform
