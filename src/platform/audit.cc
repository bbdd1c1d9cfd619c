#include "platform/audit.h"

#include <fmt/format.h>

#include "base/canonical_json.h"
#include "base/hash.h"
#include "ledger/signing_keys.h"
#include "platform/utc_time.h"

namespace maru::platform {
namespace {

constexpr size_t kMostProblems = 100;  // a chain that is nobody's has as many as entries

std::string nothing_before() { return std::string(64, '0'); }

std::string hash_of(const AuditEntry& entry) {
  Json json = json_of(entry);
  json.erase("hash");
  return sha256_hex(canonical_json(json));
}

Json read_details(const std::string& text) {
  Result<Json> details = parse_json(text, "details");
  return details.ok() ? std::move(details).value() : Json(text);  // damaged: its hash will tell
}

AuditEntry read_entry(Statement& row) {
  return {.number = row.integer(0),
          .at = row.text(1),
          .event = {.workspace = row.text(2),
                    .actor = row.text(3),
                    .action = row.text(4),
                    .object = row.text(5),
                    .details = read_details(row.text(6))},
          .previous = row.text(7),
          .hash = row.text(8)};
}

constexpr std::string_view kEntries =
    "SELECT number, at, workspace, actor, action, object, details, previous, hash FROM audit WHERE number > ?1 "
    "ORDER BY number LIMIT ?2";
constexpr std::string_view kEntriesOfWorkspace =
    "SELECT number, at, workspace, actor, action, object, details, '', '' FROM audit WHERE workspace = ?3 "
    "AND number >= coalesce((SELECT max(number) FROM audit WHERE workspace = ?3 AND action = 'workspace.create'), 0) "
    "ORDER BY number LIMIT ?2 OFFSET ?1";

AuditEntry last_entry(Connection& c) {
  Statement row = c.prepare(
      "SELECT number, at, workspace, actor, action, object, details, previous, hash FROM audit "
      "ORDER BY number DESC LIMIT 1");
  return row.next() ? read_entry(row) : AuditEntry{.hash = nothing_before()};
}

/// The head as it stands: null where there is none.
Json read_head(Connection& c) {
  Statement row = c.prepare("SELECT head FROM audit_head WHERE id = 1");
  return row.next() ? read_details(row.text(0)) : Json();
}

class Check {
 public:
  explicit Check(AuditReport& report) : report_(report) {}
  void take(const AuditEntry& entry) {
    if (entry.number != number_ + 1)
      add(fmt::format("entries {} to {} are missing", number_ + 1, entry.number - 1));
    else if (entry.previous != previous_)
      add(fmt::format("entry {}: what it says of the one before is not so", entry.number));
    if (hash_or_nothing(entry) != entry.hash)
      add(fmt::format("entry {}: is not what its hash is of: it was changed", entry.number));
    number_ = entry.number;
    previous_ = entry.hash;
    ++report_.entries;
  }
  void end(const Json& head) {
    report_.head = report_.entries == 0 ? "" : previous_;
    if (head.is_null() && report_.entries > 0) add("the head is missing: whether the end was cut off cannot be told");
    if (!head.is_object()) return;
    const int64_t number = head.value("number", Json()).is_number_integer() ? head["number"].get<int64_t>() : -1;
    const std::string hash = head.value("hash", Json()).is_string() ? head["hash"].get<std::string>() : "";
    if (number != number_)
      add(fmt::format("the head is of entry {}, the last that is here is {}", number, number_));
    else if (hash != previous_)
      add("the head is of another chain");
  }

 private:
  static std::string hash_or_nothing(const AuditEntry& entry) {
    try {
      return hash_of(entry);
    } catch (const Failure&) {
      return "";  // it holds what no entry was written with
    }
  }
  void add(std::string problem) {
    if (report_.problems.size() < kMostProblems) report_.problems.push_back("audit: " + std::move(problem));
  }
  AuditReport& report_;
  int64_t number_ = 0;
  std::string previous_ = nothing_before();
};

}  // namespace

Json json_of(const AuditEntry& entry) {
  Json json{{"number", entry.number},
            {"at", entry.at},
            {"workspace", entry.event.workspace},
            {"actor", entry.event.actor},
            {"action", entry.event.action},
            {"object", entry.event.object},
            {"details", entry.event.details}};
  if (!entry.previous.empty()) json["previous"] = entry.previous;
  if (!entry.hash.empty()) json["hash"] = entry.hash;
  return json;
}

void Audit::append(Connection& c, AuditEvent event) const {
  const AuditEntry last = last_entry(c);
  AuditEntry entry{
      .number = last.number + 1, .at = utc_text(utc_now()), .event = std::move(event), .previous = last.hash};
  entry.hash = hash_of(entry);
  c.prepare(
       "INSERT INTO audit (number, at, workspace, actor, action, object, details, previous, hash) "
       "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(entry.number)
      .bind(entry.at)
      .bind(entry.event.workspace)
      .bind(entry.event.actor)
      .bind(entry.event.action)
      .bind(entry.event.object)
      .bind(canonical_json(entry.event.details))
      .bind(entry.previous)
      .bind(entry.hash)
      .run();
  Json head{{"number", entry.number}, {"at", entry.at}, {"hash", entry.hash}};
  if (!signing_.empty())
    if (const std::optional<Ed25519Key> key = ledger::SigningKeys(signing_).current())
      head = ledger::signed_json(std::move(head), *key);
  c.prepare("INSERT INTO audit_head (id, head) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET head = excluded.head")
      .bind(canonical_json(head))
      .run();
}

std::vector<AuditEntry> audit_entries(Connection& c, const std::optional<std::string>& workspace, int64_t after,
                                      int64_t limit) {
  Statement rows = c.prepare(workspace ? kEntriesOfWorkspace : kEntries);
  rows.bind(after).bind(limit);
  if (workspace) rows.bind(*workspace);
  std::vector<AuditEntry> entries;
  while (rows.next()) {
    entries.push_back(read_entry(rows));
    if (workspace) entries.back().number = after + static_cast<int64_t>(entries.size());
  }
  return entries;
}

AuditReport verify_audit(Connection& c, const std::vector<Ed25519PublicKey>& trusted, std::string_view expected) {
  AuditReport report;
  Check check(report);
  Statement rows = c.prepare(kEntries);
  rows.bind(int64_t{-1} << 62).bind(int64_t{-1});
  while (rows.next()) {
    const AuditEntry entry = read_entry(rows);
    check.take(entry);
    report.has_expected |= entry.hash == expected;
  }
  const Json head = read_head(c);
  check.end(head);
  report.signature = ledger::check_signature(head.is_object() ? head : Json::object(), trusted);
  if (report.signature.state == ledger::SignatureState::kBroken)
    report.problems.push_back("audit: the head's signature: " + report.signature.message);
  return report;
}

}  // namespace maru::platform
