#include "platform/quotas.h"

#include "base/request_failure.h"
#include "platform/workspaces.h"

namespace maru::platform {
namespace {

Quota read_quota(const Statement& row, int from) {
  return {row.integer(from),     row.integer(from + 1), row.integer(from + 2),
          row.integer(from + 3), row.integer(from + 4), row.integer(from + 5)};
}

}  // namespace

std::vector<QuotaOf> read_quotas(Connection& c) {
  Statement rows = c.prepare(
      "SELECT workspace, project, requests_per_minute, tokens_per_minute, tokens_per_day, tokens_per_month, "
      "parallel_choices, storage_bytes FROM quotas");
  std::vector<QuotaOf> all;
  while (rows.next()) all.push_back({rows.text(0), rows.text(1), read_quota(rows, 2)});
  return all;
}

int64_t storage_limit(Connection& c, const std::string& workspace) {
  Statement row = c.prepare("SELECT storage_bytes FROM quotas WHERE workspace = ? AND project = ''");
  row.bind(workspace);
  return row.next() ? row.integer(0) : 0;
}

Quota Quotas::find(const std::string& workspace, const std::string& project) {
  return home_.read([&](Connection& c) {
    require_workspace(c, workspace);
    if (!project.empty()) require_project(c, workspace, project);
    Statement row = c.prepare(
        "SELECT requests_per_minute, tokens_per_minute, tokens_per_day, tokens_per_month, parallel_choices, "
        "storage_bytes FROM quotas WHERE workspace = ? AND project = ?");
    row.bind(workspace).bind(project);
    return row.next() ? read_quota(row, 0) : Quota{};
  });
}

void Quotas::set(const std::string& workspace, const std::string& project, const Quota& quota, const std::string& by) {
  if (!project.empty() && quota.storage_bytes > 0)
    refuse("storage_bytes: is of workspaces: files are of no project", "storage_bytes");
  home_.write([&](Connection& c) {
    require_workspace(c, workspace);
    if (!project.empty()) require_project(c, workspace, project);
    c.prepare(
         "INSERT OR REPLACE INTO quotas (workspace, project, requests_per_minute, tokens_per_minute, tokens_per_day, "
         "tokens_per_month, parallel_choices, storage_bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(workspace)
        .bind(project)
        .bind(quota.requests_per_minute)
        .bind(quota.tokens_per_minute)
        .bind(quota.tokens_per_day)
        .bind(quota.tokens_per_month)
        .bind(quota.parallel_choices)
        .bind(quota.storage_bytes)
        .run();
    home_.audit().append(c, {.workspace = workspace,
                             .actor = by,
                             .action = "quota.set",
                             .object = project.empty() ? workspace : "project " + project,
                             .details = to_json(quota)});
  });
}

}  // namespace maru::platform
