#include "platform/members.h"

#include <fmt/format.h>

#include "base/excerpt.h"
#include "base/request_failure.h"
#include "ledger/name.h"
#include "platform/keys.h"
#include "platform/utc_time.h"
#include "platform/workspaces.h"

namespace maru::platform {
namespace {

Member read_member(Statement& row) {
  return {row.text(0), row.text(1), row.text(2), row.text(3), row.text(4), row.text(5)};
}

AuditEvent event_of(const Member& member, const std::string& by, const char* action) {
  return {.workspace = member.workspace,
          .actor = by,
          .action = action,
          .object = member.kind + " " + member.name,
          .details = {{"role", member.role}}};
}

}  // namespace

void check_member(std::string_view kind, std::string_view name) {
  if (kind != "user" && kind != "service") refuse("kind: expected user or service", "kind");
  if (const Outcome outcome = ledger::check_name("name", name); !outcome) refuse(outcome.error().message, "name");
}

std::string role_of(Connection& c, std::string_view workspace, std::string_view kind, std::string_view name) {
  Statement row = c.prepare("SELECT role FROM members WHERE workspace = ? AND kind = ? AND name = ?");
  row.bind(workspace).bind(kind).bind(name);
  return row.next() ? row.text(0) : "";
}

void add_member(Connection& c, const Audit& audit, const Member& member) {
  c.prepare("INSERT INTO members (workspace, kind, name, role, created_at, created_by) VALUES (?, ?, ?, ?, ?, ?)")
      .bind(member.workspace)
      .bind(member.kind)
      .bind(member.name)
      .bind(member.role)
      .bind(member.created_at)
      .bind(member.created_by)
      .run();
  audit.append(c, event_of(member, member.created_by, "member.add"));
}

std::vector<Member> Members::list(const std::string& workspace, const std::string& after, int64_t limit) {
  return home_.read([&](Connection& c) {
    require_workspace(c, workspace);
    Statement rows = c.prepare(
        "SELECT workspace, kind, name, role, created_at, created_by FROM members WHERE workspace = ? "
        "AND kind || ' ' || name > ? ORDER BY kind || ' ' || name LIMIT ?");
    rows.bind(workspace).bind(after).bind(limit);
    std::vector<Member> all;
    while (rows.next()) all.push_back(read_member(rows));
    return all;
  });
}

Member Members::set(const std::string& workspace, const std::string& kind, const std::string& name,
                    const std::string& role, const Principal& by) {
  check_member(kind, name);
  if (scopes_of_role(role).empty()) refuse("role: expected viewer, developer or admin", "role");
  check_may_give(by, scopes_of_role(role), "role");
  return home_.write([&](Connection& c) {
    require_workspace(c, workspace);
    const std::string before = role_of(c, workspace, kind, name);
    Member member{workspace, kind, name, role, utc_text(utc_now()), by.key};
    if (before.empty()) {
      add_member(c, home_.audit(), member);
      return member;
    }
    check_may_give(by, scopes_of_role(before), "role");
    c.prepare("UPDATE members SET role = ? WHERE workspace = ? AND kind = ? AND name = ?")
        .bind(role)
        .bind(workspace)
        .bind(kind)
        .bind(name)
        .run();
    touch_keys_of(c, workspace, kind, name);
    home_.audit().append(c, event_of(member, by.key, "member.role"));
    return member;
  });
}

void Members::remove(const std::string& workspace, const std::string& kind, const std::string& name,
                     const Principal& by) {
  home_.write([&](Connection& c) {
    require_workspace(c, workspace);
    const std::string role = role_of(c, workspace, kind, name);
    if (role.empty())
      throw RequestFailure(
          ErrorCode::kNotFound,
          fmt::format("workspace {}: has no {} \"{}\"", workspace, excerpt(kind, 40), excerpt(name, 200)), "member",
          "");
    check_may_give(by, scopes_of_role(role), "role");
    revoke_keys_of(c, workspace, kind, name);
    c.prepare("DELETE FROM members WHERE workspace = ? AND kind = ? AND name = ?")
        .bind(workspace)
        .bind(kind)
        .bind(name)
        .run();
    home_.audit().append(c, event_of({workspace, kind, name, role, "", ""}, by.key, "member.remove"));
  });
}

}  // namespace maru::platform
