#include "platform/audit.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "api/tenants/answers.h"
#include "api/tenants/routes.h"
#include "base/request_failure.h"

namespace maru::api::tenants {
namespace {

using platform::AuditEntry;
using platform::HomeDatabase;

/// Whose entries: of an operator all, or those of ?workspace=.
std::optional<std::string> workspace_asked(const http::Request& request) {
  const Principal actor = actor_of(request);
  const std::string_view asked = request.parameter("workspace");
  if (!actor.is_operator()) {
    if (!asked.empty() && asked != actor.tenant)
      throw RequestFailure(ErrorCode::kNotFound, "workspace: there is none of this name", "workspace", "");
    return actor.tenant;
  }
  return asked.empty() ? std::nullopt : std::optional<std::string>(asked);
}

std::string lines_of(const std::vector<AuditEntry>& entries) {
  std::string lines;
  for (const AuditEntry& entry : entries) lines += http::to_line(platform::json_of(entry)) + "\n";
  return lines;
}

http::Reply audit(HomeDatabase& home, const http::Request& request) {
  const std::string_view format = request.parameter("format");
  if (!format.empty() && format != "json" && format != "jsonl") refuse("format: expected json or jsonl", "format");
  const Page page = page_of(request);
  const int64_t after = number_of(request, "after", 0);
  const std::optional<std::string> workspace = workspace_asked(request);
  const std::vector<AuditEntry> entries =
      home.read([&](platform::Connection& c) { return platform::audit_entries(c, workspace, after, page.limit); });
  if (format == "jsonl") return {http::Response{.content_type = "application/x-ndjson", .body = lines_of(entries)}};
  Json data = Json::array();
  for (const AuditEntry& entry : entries) data.push_back(platform::json_of(entry));
  Json answer{{"data", std::move(data)}};
  if (static_cast<int64_t>(entries.size()) == page.limit) answer["next"] = entries.back().number;
  return {http::Response{.body = http::to_line(answer)}};
}

}  // namespace

void add_audit_routes(http::Router& router, HomeDatabase& home) {
  router.add({.pattern = "/v1/maru/audit",
              .handler = [&home](const http::Request& request, const http::Wake&) { return audit(home, request); },
              .scope = "admin",
              .doc = "who did what in the key's workspace; an operator's: in all, or ?workspace=; ?after=N, ?limit=, "
                     "?format=jsonl"});
}

}  // namespace maru::api::tenants
