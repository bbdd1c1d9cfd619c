#include "platform/keys.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/excerpt.h"
#include "base/hash.h"
#include "base/hex.h"
#include "base/hmac.h"
#include "base/json.h"
#include "base/request_failure.h"
#include "ledger/name.h"
#include "platform/members.h"
#include "platform/utc_time.h"
#include "platform/workspaces.h"

namespace maru::platform {
namespace {

constexpr size_t kRandomBytes = 32, kIdBytes = 12, kPrefixDigits = 8, kMostModels = 1000;
constexpr std::string_view kKeyWord = "maru-";
constexpr auto kLongestOverlap = std::chrono::hours(24 * 365);

constexpr const char* kColumns =
    "id, workspace, name, prefix, member_kind, member, project, scopes, models, weight, requests_per_minute, "
    "tokens_per_minute, parallel_choices, expires, last_used, revoked_at, created_at, created_by, current";

std::string text_of(const std::vector<std::string>& list) { return Json(list).dump(); }

std::vector<std::string> list_of(const std::string& text) {
  return parse_json(text, "keys").value().get<std::vector<std::string>>();
}

KeyInfo read_key(const Statement& row) {
  return {.id = row.text(0),
          .workspace = row.text(1),
          .name = row.text(2),
          .prefix = row.text(3),
          .kind = row.text(4),
          .member = row.text(5),
          .project = row.text(6),
          .scopes = list_of(row.text(7)),
          .models = list_of(row.text(8)),
          .weight = row.number(9),
          .requests_per_minute = row.integer(10),
          .tokens_per_minute = row.integer(11),
          .parallel_choices = row.integer(12),
          .expires = row.text(13),
          .last_used = row.text(14),
          .revoked_at = row.text(15),
          .created_at = row.text(16),
          .created_by = row.text(17),
          .current = row.integer(18) != 0};
}

int64_t next_change(Connection& c) {
  Statement row = c.prepare("SELECT coalesce(max(changed), 0) + 1 FROM keys");
  return row.next() ? row.integer(0) : 1;
}

void insert(Connection& c, const KeyInfo& key, const std::string& hash) {
  c.prepare(
       "INSERT INTO keys (id, workspace, name, prefix, member_kind, member, project, scopes, models, weight, "
       "requests_per_minute, tokens_per_minute, parallel_choices, expires, last_used, revoked_at, created_at, "
       "created_by, current, hash, changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', ?, ?, 1, ?, ?)")
      .bind(key.id)
      .bind(key.workspace)
      .bind(key.name)
      .bind(key.prefix)
      .bind(key.kind)
      .bind(key.member)
      .bind(key.project)
      .bind(text_of(key.scopes))
      .bind(text_of(key.models))
      .bind(key.weight)
      .bind(key.requests_per_minute)
      .bind(key.tokens_per_minute)
      .bind(key.parallel_choices)
      .bind(key.expires)
      .bind(key.created_at)
      .bind(key.created_by)
      .bind(hash)
      .bind(next_change(c))
      .run();
}

/// A key that nobody knows yet, and its record.
MadeKey make(KeyInfo info, const Principal& by) {
  const std::string digits = to_hex(random_secret(kRandomBytes));
  info.id = to_hex(random_secret(kIdBytes));
  info.prefix = std::string(kKeyWord) + digits.substr(0, kPrefixDigits);
  info.created_at = utc_text(utc_now());
  info.created_by = by.key;
  info.last_used = info.revoked_at = "";
  info.current = true;
  return {std::string(kKeyWord) + digits, std::move(info)};
}

void check_limit(const char* name, int64_t wanted, int64_t own) {
  if (own == 0 || (wanted > 0 && wanted <= own)) return;
  refuse(fmt::format("{}: expected 1 to {}, which is what your own key may", name, own), name);
}

/// Nobody gives what they have not got.
void check_within(const NewKey& wanted, const Principal& by) {
  check_may_give(by, wanted.scopes, "scopes");
  if (by.is_operator()) return;
  if (!by.models.empty() && wanted.models.empty())
    refuse("models: your own key may ask some models only: name those of them that this one may", "models");
  for (const std::string& model : wanted.models)
    if (!by.may_ask(model)) refuse("models: your own key may not ask \"" + excerpt(model) + "\"", "models");
  if (wanted.weight > by.weight)
    refuse(fmt::format("weight: expected at most {}, which is that of your own key", by.weight), "weight");
  check_limit("requests_per_minute", wanted.requests_per_minute, by.limits.requests_per_minute);
  check_limit("tokens_per_minute", wanted.tokens_per_minute, by.limits.tokens_per_minute);
  check_limit("parallel_choices", wanted.parallel_choices, by.limits.parallel_choices);
}

void check(const NewKey& wanted) {
  if (const Outcome outcome = ledger::check_name("name", wanted.name); !outcome)
    refuse(outcome.error().message, "name");
  check_member(wanted.kind, wanted.member);
  if (wanted.scopes.empty()) refuse("scopes: expected at least one", "scopes");
  if (wanted.models.size() > kMostModels) refuse("models: expected at most 1,000", "models");
  if (wanted.expires.empty()) return;
  if (const Result<UtcTime> time = parse_utc(wanted.expires); !time)
    refuse("expires: " + time.error().message, "expires");
}

KeyInfo info_of(const std::string& workspace, const NewKey& wanted) {
  return {.workspace = workspace,
          .name = wanted.name,
          .kind = wanted.kind,
          .member = wanted.member,
          .project = wanted.project,
          .scopes = wanted.scopes,
          .models = wanted.models,
          .weight = wanted.weight,
          .requests_per_minute = wanted.requests_per_minute,
          .tokens_per_minute = wanted.tokens_per_minute,
          .parallel_choices = wanted.parallel_choices,
          .expires = wanted.expires.empty() ? "" : utc_text(parse_utc(wanted.expires).value())};
}

/// What one of the same rights is made with.
NewKey wanted_of(const KeyInfo& key) {
  return {.name = key.name,
          .kind = key.kind,
          .member = key.member,
          .project = key.project,
          .scopes = key.scopes,
          .models = key.models,
          .weight = key.weight,
          .requests_per_minute = key.requests_per_minute,
          .tokens_per_minute = key.tokens_per_minute,
          .parallel_choices = key.parallel_choices};
}

/// The account behind it: one that is there has to allow what the key is to do; a service is made if need be.
void require_member(Connection& c, const Audit& audit, const KeyInfo& key, const Principal& by) {
  const std::string role = role_of(c, key.workspace, key.kind, key.member);
  if (role.empty() && key.kind == "user")
    throw RequestFailure(ErrorCode::kNotFound,
                         fmt::format("workspace {}: has no user \"{}\"", key.workspace, excerpt(key.member, 200)),
                         "member", "");
  if (role.empty())
    return add_member(
        c, audit,
        {key.workspace, key.kind, key.member, std::string(least_role_with(key.scopes)), utc_text(utc_now()), by.key});
  if (scopes_within(key.scopes, role).size() != key.scopes.size())
    refuse(fmt::format("scopes: {} {} is {} of workspace {}, whose keys may do {}", key.kind, key.member, role,
                       key.workspace, fmt::join(scopes_of_role(role), ", ")),
           "scopes");
}

AuditEvent event_of(const KeyInfo& key, const Principal& by, const char* action) {
  return {.workspace = key.workspace,
          .actor = by.key,
          .action = action,
          .object = key.name,
          .details = {{"id", key.id}, {"prefix", key.prefix}, {"scopes", key.scopes}, {"expires", key.expires}}};
}

KeyInfo current_key(Connection& c, const std::string& workspace, const std::string& name) {
  require_workspace(c, workspace);
  Statement row =
      c.prepare(fmt::format("SELECT {} FROM keys WHERE workspace = ? AND name = ? AND current = 1", kColumns));
  row.bind(workspace).bind(name);
  if (!row.next())
    throw RequestFailure(ErrorCode::kNotFound,
                         fmt::format("workspace {}: has no key \"{}\" in force", workspace, excerpt(name, 200)), "key",
                         "");
  return read_key(row);
}

KeyState read_state(const Statement& row) {
  const KeyInfo key = read_key(row);
  const std::string role = row.text(21);
  KeyState state{.id = key.id,
                 .hash = row.text(19),
                 .changed = row.integer(20),
                 .in_force = key.revoked_at.empty() && !role.empty(),
                 .expires = key.expires,
                 .last_used = key.last_used,
                 .principal = {.tenant = key.workspace,
                               .key = fmt::format("key {}/{}", key.workspace, key.name),
                               .scopes = scopes_within(key.scopes, role),
                               .models = key.models,
                               .weight = key.weight,
                               .limits = {.requests_per_minute = key.requests_per_minute,
                                          .tokens_per_minute = key.tokens_per_minute,
                                          .parallel_choices = key.parallel_choices},
                               .project = key.project}};
  return state;
}

}  // namespace

MadeKey Keys::create(const std::string& workspace, NewKey wanted, const Principal& by) {
  if (wanted.member.empty()) wanted.member = wanted.name;
  check(wanted);
  check_within(wanted, by);
  return home_.write([&](Connection& c) {
    require_workspace(c, workspace);
    MadeKey made = make(info_of(workspace, wanted), by);
    if (!made.info.project.empty()) require_project(c, workspace, made.info.project);
    require_member(c, home_.audit(), made.info, by);
    try {
      insert(c, made.info, sha256_hex(made.key));
    } catch (const Failure& failure) {
      if (failure.code() != ErrorCode::kExists) throw;
      throw Failure(ErrorCode::kExists,
                    fmt::format("workspace {}: has a key called {} already", workspace, wanted.name));
    }
    home_.audit().append(c, event_of(made.info, by, "key.create"));
    return made;
  });
}

std::vector<KeyInfo> Keys::list(const std::optional<std::string>& workspace, const std::string& after, int64_t limit) {
  return home_.read([&](Connection& c) {
    if (workspace) require_workspace(c, *workspace);
    Statement rows = c.prepare(fmt::format("SELECT {} FROM keys WHERE {} AND id > ? ORDER BY id LIMIT ?", kColumns,
                                           workspace ? "workspace = ?" : "workspace != ''"));
    if (workspace) rows.bind(*workspace);
    rows.bind(after).bind(limit);
    std::vector<KeyInfo> all;
    while (rows.next()) all.push_back(read_key(rows));
    return all;
  });
}

void Keys::revoke(const std::string& workspace, const std::string& name, const Principal& by) {
  home_.write([&](Connection& c) {
    const KeyInfo key = current_key(c, workspace, name);
    c.prepare(
         "UPDATE keys SET revoked_at = ?, current = 0, changed = ? WHERE workspace = ? AND name = ? AND revoked_at = "
         "''")
        .bind(utc_text(utc_now()))
        .bind(next_change(c))
        .bind(workspace)
        .bind(name)
        .run();
    home_.audit().append(c, event_of(key, by, "key.revoke"));
  });
}

MadeKey Keys::rotate(const std::string& workspace, const std::string& name, std::chrono::seconds overlap,
                     const Principal& by) {
  if (overlap.count() < 0 || overlap > kLongestOverlap) refuse("overlap: expected at most a year", "overlap_seconds");
  return home_.write([&](Connection& c) {
    const KeyInfo old = current_key(c, workspace, name);
    check_within(wanted_of(old), by);
    const std::string until = utc_text(utc_now() + overlap);
    c.prepare("UPDATE keys SET current = 0, changed = ?, expires = ? WHERE id = ?")
        .bind(next_change(c))
        .bind(old.expires.empty() ? until : std::min(old.expires, until))
        .bind(old.id)
        .run();
    MadeKey made = make(old, by);
    insert(c, made.info, sha256_hex(made.key));
    AuditEvent event = event_of(made.info, by, "key.rotate");
    event.details["old"] = old.id;
    event.details["old_expires"] = until;
    home_.audit().append(c, std::move(event));
    return made;
  });
}

void for_changed_keys(Connection& c, int64_t behind, const std::function<void(KeyState)>& f) {
  Statement rows = c.prepare(fmt::format(
      "SELECT {}, hash, changed, (SELECT role FROM members m WHERE m.workspace = keys.workspace AND m.kind = "
      "keys.member_kind AND m.name = keys.member) FROM keys WHERE changed > ? ORDER BY changed",
      kColumns));
  rows.bind(behind);
  while (rows.next()) f(read_state(rows));
}

void note_use(Connection& c, const std::string& id, const std::string& day) {
  c.prepare("UPDATE keys SET last_used = ? WHERE id = ? AND last_used < ?").bind(day).bind(id).bind(day).run();
}

void touch_keys_of(Connection& c, std::string_view workspace, std::string_view kind, std::string_view member) {
  c.prepare("UPDATE keys SET changed = ? WHERE workspace = ? AND member_kind = ? AND member = ?")
      .bind(next_change(c))
      .bind(workspace)
      .bind(kind)
      .bind(member)
      .run();
}

void revoke_keys_of(Connection& c, std::string_view workspace, std::string_view kind, std::string_view member) {
  c.prepare(
       "UPDATE keys SET changed = ?, revoked_at = ?, current = 0 WHERE workspace = ? AND member_kind = ? AND member = "
       "? AND revoked_at = ''")
      .bind(next_change(c))
      .bind(utc_text(utc_now()))
      .bind(workspace)
      .bind(kind)
      .bind(member)
      .run();
}

// Of the workspace that may be called so next they are none.
void forget_keys(Connection& c, std::string_view workspace) {
  c.prepare(
       "UPDATE keys SET changed = ?, revoked_at = CASE revoked_at WHEN '' THEN ? ELSE revoked_at END, current = 0, "
       "workspace = '' WHERE workspace = ?")
      .bind(next_change(c))
      .bind(utc_text(utc_now()))
      .bind(workspace)
      .run();
}

}  // namespace maru::platform
