#include "platform/workspaces.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/excerpt.h"
#include "base/request_failure.h"
#include "base/utf8.h"
#include "platform/keys.h"
#include "platform/repositories.h"
#include "platform/roles.h"
#include "platform/utc_time.h"

namespace maru::platform {
namespace {

constexpr size_t kLongestDescription = 2000;

void check_description(const std::string& description) {
  if (description.size() > kLongestDescription) refuse("description: expected at most 2,000 bytes", "description");
  if (!is_valid_utf8(description)) refuse("description: is not UTF-8", "description");
}

void check(const Outcome& outcome, std::string_view field) {
  if (!outcome) refuse(outcome.error().message, field);
}

Workspace read_workspace(Statement& row) { return {row.text(0), row.text(1), row.text(2), row.text(3)}; }

Project read_project(Statement& row) { return {row.text(0), row.text(1), row.text(2), row.text(3), row.text(4)}; }

bool any(Statement& statement) { return statement.next(); }

/// What says that a row is there already says it as SQLite does; clients want to know what.
template <class F>
void insert(F run, const std::string& what) {
  try {
    run();
  } catch (const Failure& failure) {
    if (failure.code() != ErrorCode::kExists) throw;
    throw Failure(ErrorCode::kExists, what + ": exists");
  }
}

}  // namespace

Outcome check_workspace_name(std::string_view what, std::string_view name) {
  constexpr std::array<std::string_view, 8> kTaken{"api",     "datasets", "models",  "spaces",
                                                   "buckets", "kernels",  "resolve", "lfs"};
  if (Outcome usual = check_repository_name(what, name); !usual) return usual;
  if (std::find(kTaken.begin(), kTaken.end(), name) != kTaken.end())
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}: \"{}\" is a word of the hub's API, and cannot be a workspace", what, name)};
  return Done{};
}

void missing_workspace(std::string_view name) {
  throw RequestFailure(ErrorCode::kNotFound,
                       fmt::format("workspace \"{}\": there is none of this name", excerpt(name, 200)), "workspace",
                       "");
}

void require_workspace(Connection& c, std::string_view name) {
  Statement row = c.prepare("SELECT 1 FROM workspaces WHERE name = ?");
  row.bind(name);
  if (!row.next()) missing_workspace(name);
}

void require_project(Connection& c, std::string_view workspace, std::string_view name) {
  Statement row = c.prepare("SELECT 1 FROM projects WHERE workspace = ? AND name = ?");
  row.bind(workspace).bind(name);
  if (!row.next())
    throw RequestFailure(ErrorCode::kNotFound,
                         fmt::format("workspace {}: has no project \"{}\"", workspace, excerpt(name, 200)), "project",
                         "");
}

Workspace Workspaces::create(const std::string& name, const std::string& description, const std::string& by) {
  check(check_workspace_name("name", name), "name");
  check_description(description);
  return home_.write([&](Connection& c) {
    Workspace made{name, description, utc_text(utc_now()), by};
    insert(
        [&] {
          c.prepare("INSERT INTO workspaces (name, description, created_at, created_by) VALUES (?, ?, ?, ?)")
              .bind(name)
              .bind(description)
              .bind(made.created_at)
              .bind(by)
              .run();
        },
        "workspace " + name);
    home_.audit().append(c, {.workspace = name, .actor = by, .action = "workspace.create", .object = name});
    return made;
  });
}

Workspace Workspaces::find(const std::string& name) {
  std::vector<Workspace> found = list(name, "", 1);
  if (found.empty()) missing_workspace(name);
  return std::move(found[0]);
}

std::vector<Workspace> Workspaces::list(const std::optional<std::string>& only, const std::string& after,
                                        int64_t limit) {
  return home_.read([&](Connection& c) {
    Statement rows = c.prepare(
        "SELECT name, description, created_at, created_by FROM workspaces "
        "WHERE name > ?1 AND (?2 IS NULL OR name = ?2) ORDER BY name LIMIT ?3");
    rows.bind(after).bind(only).bind(limit);
    std::vector<Workspace> all;
    while (rows.next()) all.push_back(read_workspace(rows));
    return all;
  });
}

void Workspaces::remove(const std::string& name, const std::string& by) {
  if (name == kLocal) throw Failure(ErrorCode::kExists, "workspace local: is the operator's, and stays");
  home_.write([&](Connection& c) {
    require_workspace(c, name);
    Statement held = c.prepare("SELECT 1 FROM repositories WHERE workspace = ? LIMIT 1");
    held.bind(name);
    if (any(held))
      throw Failure(ErrorCode::kExists, fmt::format("workspace {}: holds repositories; delete them first", name));
    Statement kept = c.prepare("SELECT 1 FROM entities WHERE workspace = ? LIMIT 1");
    kept.bind(name);
    if (any(kept))
      throw Failure(ErrorCode::kExists, fmt::format("workspace {}: holds entities; delete them first", name));
    Statement jobs = c.prepare("SELECT 1 FROM jobs WHERE workspace = ? LIMIT 1");
    jobs.bind(name);
    if (any(jobs)) throw Failure(ErrorCode::kExists, fmt::format("workspace {}: holds jobs; delete them first", name));
    forget_keys(c, name);
    home_.audit().append(c, {.workspace = name, .actor = by, .action = "workspace.delete", .object = name});
    c.prepare("DELETE FROM workspaces WHERE name = ?").bind(name).run();
  });
}

Project Workspaces::create_project(const std::string& workspace, const std::string& name,
                                   const std::string& description, const std::string& by) {
  check(check_repository_name("name", name), "name");
  check_description(description);
  return home_.write([&](Connection& c) {
    require_workspace(c, workspace);
    Project made{workspace, name, description, utc_text(utc_now()), by};
    insert(
        [&] {
          c.prepare(
               "INSERT INTO projects (workspace, name, description, created_at, created_by) VALUES (?, ?, ?, ?, ?)")
              .bind(workspace)
              .bind(name)
              .bind(description)
              .bind(made.created_at)
              .bind(by)
              .run();
        },
        fmt::format("project {} of workspace {}", name, workspace));
    home_.audit().append(c, {.workspace = workspace, .actor = by, .action = "project.create", .object = name});
    return made;
  });
}

std::vector<Project> Workspaces::projects(const std::string& workspace, const std::string& after, int64_t limit) {
  return home_.read([&](Connection& c) {
    require_workspace(c, workspace);
    Statement rows = c.prepare(
        "SELECT workspace, name, description, created_at, created_by FROM projects WHERE workspace = ? AND name > ? "
        "ORDER BY name LIMIT ?");
    rows.bind(workspace).bind(after).bind(limit);
    std::vector<Project> all;
    while (rows.next()) all.push_back(read_project(rows));
    return all;
  });
}

void Workspaces::remove_project(const std::string& workspace, const std::string& name, const std::string& by) {
  home_.write([&](Connection& c) {
    require_workspace(c, workspace);
    require_project(c, workspace, name);
    Statement keys = c.prepare("SELECT name FROM keys WHERE workspace = ? AND project = ? AND revoked_at = '' LIMIT 1");
    keys.bind(workspace).bind(name);
    if (keys.next())
      throw Failure(ErrorCode::kExists, fmt::format("project {} of workspace {}: the key {} is of it; revoke it first",
                                                    name, workspace, keys.text(0)));
    c.prepare("DELETE FROM projects WHERE workspace = ? AND name = ?").bind(workspace).bind(name).run();
    c.prepare("DELETE FROM quotas WHERE workspace = ? AND project = ?").bind(workspace).bind(name).run();
    home_.audit().append(c, {.workspace = workspace, .actor = by, .action = "project.delete", .object = name});
  });
}

}  // namespace maru::platform
