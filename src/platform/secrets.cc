#include "platform/secrets.h"

#include <fmt/format.h>

#include "base/aes_gcm.h"
#include "base/excerpt.h"
#include "base/hash.h"
#include "base/hex.h"
#include "base/hmac.h"
#include "base/private_file.h"
#include "base/request_failure.h"
#include "base/utf8.h"
#include "platform/repositories.h"
#include "platform/utc_time.h"
#include "platform/workspaces.h"

namespace maru::platform {
namespace {

constexpr size_t kLongestDescription = 2000;
constexpr size_t kKeyDigits = 2 * kAesKeyBytes;

/// What a value stands beside; names hold no line break.
std::string bound_to(const std::string& workspace, const std::string& name, int64_t version) {
  return fmt::format("maru secret\n{}\n{}\n{}", workspace, name, version);
}

/// By which it is known, and which tells nothing of it.
std::string id_of(std::string_view key) { return sha256_hex("maru secrets key " + std::string(key)).substr(0, 16); }

SecretInfo read_secret(const Statement& row) {
  return {row.text(0), row.text(1), row.text(2), row.text(3), row.text(4), row.text(5), row.integer(6)};
}

constexpr std::string_view kOne =
    "SELECT workspace, name, description, created_at, created_by, changed_at, version, sealed, key_id FROM secrets "
    "WHERE workspace = ? AND name = ?";

void check_value(const std::string& value) {
  if (value.empty() || value.size() > Secrets::kMostBytes) refuse("value: expected 1 to 65,536 bytes", "value");
}

[[noreturn]] void missing(const std::string& workspace, const std::string& name) {
  throw RequestFailure(ErrorCode::kNotFound,
                       fmt::format("workspace {}: has no secret \"{}\"", workspace, excerpt(name, 200)), "secret", "");
}

AuditEvent event_of(const SecretInfo& secret, const std::string& by, const char* action) {
  return {.workspace = secret.workspace,
          .actor = by,
          .action = action,
          .object = secret.name,
          .details = {{"version", secret.version}}};
}

}  // namespace

Secrets::Secrets(HomeDatabase& home, const fs::path& key_file)
    : home_(home), key_file_(key_file.empty() ? home.folder() / "secrets.key" : key_file) {}

/// Within a transaction that writes, so that two processes do not make two.
std::string Secrets::key(Connection& c, bool may_make) const {
  Statement any = c.prepare("SELECT 1 FROM secrets LIMIT 1");
  if (may_make && !fs::exists(key_file_) && !any.next()) {
    fs::create_directories(key_file_.parent_path());
    AtomicFile file(key_file_, 0600);
    file.write(to_hex(random_secret(kAesKeyBytes)) + "\n");
    file.commit();
  }
  if (!fs::exists(key_file_))
    throw Failure(ErrorCode::kUnavailable,
                  "the key of this home's secrets is not there: its operator has to bring the file back");
  std::string digits = read_private_file(key_file_, 4096);
  while (!digits.empty() && (digits.back() == '\n' || digits.back() == '\r')) digits.pop_back();
  const std::optional<std::string> key = from_hex(digits);
  if (digits.size() != kKeyDigits || !key)
    throw Failure(ErrorCode::kInvalidArgument,
                  key_file_.string() + ": expected 64 hexadecimal digits in lower case, the key of secrets");
  return *key;
}

SecretInfo Secrets::create(const std::string& workspace, const std::string& name, const std::string& value,
                           const std::string& description, const std::string& by) {
  if (const Outcome outcome = check_repository_name("name", name); !outcome) refuse(outcome.error().message, "name");
  check_value(value);
  if (description.size() > kLongestDescription || !is_valid_utf8(description))
    refuse("description: expected at most 2,000 bytes of UTF-8", "description");
  return home_.write([&](Connection& c) {
    require_workspace(c, workspace);
    const std::string key = this->key(c, true), now = utc_text(utc_now());
    SecretInfo made{workspace, name, description, now, by, now, 1};
    try {
      c.prepare(
           "INSERT INTO secrets (workspace, name, description, created_at, created_by, changed_at, version, sealed, "
           "key_id) VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?)")
          .bind(workspace)
          .bind(name)
          .bind(description)
          .bind(now)
          .bind(by)
          .bind(now)
          .bind(to_hex(seal(key, value, bound_to(workspace, name, 1))))
          .bind(id_of(key))
          .run();
    } catch (const Failure& failure) {
      if (failure.code() != ErrorCode::kExists) throw;
      throw Failure(ErrorCode::kExists, fmt::format("workspace {}: has a secret called {} already", workspace, name));
    }
    home_.audit().append(c, event_of(made, by, "secret.create"));
    return made;
  });
}

SecretInfo Secrets::rotate(const std::string& workspace, const std::string& name, const std::string& value,
                           const std::string& by) {
  check_value(value);
  return home_.write([&](Connection& c) {
    require_workspace(c, workspace);
    Statement row = c.prepare(kOne);
    row.bind(workspace).bind(name);
    if (!row.next()) missing(workspace, name);
    SecretInfo secret = read_secret(row);
    const std::string key = this->key(c, false);
    ++secret.version;
    secret.changed_at = utc_text(utc_now());
    c.prepare("UPDATE secrets SET version = ?, changed_at = ?, sealed = ?, key_id = ? WHERE workspace = ? AND name = ?")
        .bind(secret.version)
        .bind(secret.changed_at)
        .bind(to_hex(seal(key, value, bound_to(workspace, name, secret.version))))
        .bind(id_of(key))
        .bind(workspace)
        .bind(name)
        .run();
    home_.audit().append(c, event_of(secret, by, "secret.rotate"));
    return secret;
  });
}

std::vector<SecretInfo> Secrets::list(const std::string& workspace, const std::string& after, int64_t limit) {
  return home_.read([&](Connection& c) {
    require_workspace(c, workspace);
    Statement rows = c.prepare(
        "SELECT workspace, name, description, created_at, created_by, changed_at, version FROM secrets "
        "WHERE workspace = ? AND name > ? ORDER BY name LIMIT ?");
    rows.bind(workspace).bind(after).bind(limit);
    std::vector<SecretInfo> all;
    while (rows.next()) all.push_back(read_secret(rows));
    return all;
  });
}

std::string Secrets::value(const std::string& workspace, const std::string& name, const std::string& by) {
  return home_.write([&](Connection& c) {
    require_workspace(c, workspace);
    Statement row = c.prepare(kOne);
    row.bind(workspace).bind(name);
    if (!row.next()) missing(workspace, name);
    const SecretInfo secret = read_secret(row);
    const std::string key = this->key(c, false);
    if (row.text(8) != id_of(key))
      throw Failure(
          ErrorCode::kUnavailable,
          fmt::format("secret {} of workspace {}: was sealed with another key than the server has", name, workspace));
    const std::optional<std::string> sealed = from_hex(row.text(7));
    const auto opened = sealed ? unseal(key, *sealed, bound_to(workspace, name, secret.version)) : std::nullopt;
    if (!opened)
      throw Failure(ErrorCode::kDataLoss,
                    fmt::format("secret {} of workspace {}: was changed, or belongs elsewhere", name, workspace));
    home_.audit().append(c, event_of(secret, by, "secret.read"));
    return *opened;
  });
}

void Secrets::remove(const std::string& workspace, const std::string& name, const std::string& by) {
  home_.write([&](Connection& c) {
    require_workspace(c, workspace);
    c.prepare("DELETE FROM secrets WHERE workspace = ? AND name = ?").bind(workspace).bind(name).run();
    if (c.changes() == 0) missing(workspace, name);
    home_.audit().append(c, {.workspace = workspace, .actor = by, .action = "secret.delete", .object = name});
  });
}

}  // namespace maru::platform
