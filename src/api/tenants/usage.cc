#include "platform/usage.h"

#include <algorithm>
#include <utility>

#include "api/tenants/answers.h"
#include "api/tenants/csv.h"
#include "api/tenants/routes.h"
#include "base/excerpt.h"
#include "base/json.h"
#include "base/long_wait.h"
#include "base/request_failure.h"
#include "platform/quotas.h"
#include "platform/utc_time.h"
#include "platform/workspaces.h"

namespace maru::api::tenants {
namespace {

using http::Method;
using http::Reply;
using http::Request;
using platform::HomeDatabase;
using platform::Metering;
using platform::Quota;
using platform::Quotas;
using platform::UsageQuery;
using platform::UsageRecord;

std::string time_of(const Request& request, std::string_view name) {
  const std::string_view text = request.parameter(name);
  if (text.empty()) return "";
  const Result<platform::UtcTime> time = platform::parse_utc(text);
  if (!time) refuse(std::string(name) + ": " + time.error().message, name);
  return platform::utc_text(time.value());
}

/// A workspace sees its own, from when it was made: another one may have had its name before.
UsageQuery query_of(HomeDatabase& home, const Request& request) {
  const Principal actor = actor_of(request);
  const std::string asked(request.parameter("workspace"));
  const Page page = page_of(request);
  UsageQuery query{.workspace = {},
                   .from = time_of(request, "from"),
                   .to = time_of(request, "to"),
                   .after = page.after,
                   .limit = page.limit};
  if (!asked.empty()) query.workspace = asked;
  if (actor.is_operator()) return query;
  if (!asked.empty() && asked != actor.tenant) platform::missing_workspace(asked);
  query.workspace = actor.tenant;
  for (const platform::Workspace& own : platform::Workspaces(home).list(actor.tenant, "", 1))
    query.from = std::max(query.from, own.created_at);
  return query;
}

template <class T>
Reply answer(const Request& request, const std::vector<T>& rows, const std::string& next) {
  const std::string_view format = request.parameter("format");
  if (format == "csv") {
    http::Response response{.content_type = "text/csv; charset=utf-8", .body = csv(rows)};
    if (!next.empty()) response.headers.emplace_back("X-Maru-Next", next);
    return {std::move(response)};
  }
  if (!format.empty() && format != "json") refuse("format: expected json or csv", "format");
  Json data = Json::array();
  for (const T& row : rows) data.push_back(to_json(row));
  Json body{{"data", std::move(data)}};
  if (!next.empty()) body["next"] = next;
  return {http::Response{.body = http::to_line(body)}};
}

Reply records(HomeDatabase& home, const Request& request) {
  const UsageQuery query = query_of(home, request);
  const std::vector<UsageRecord> rows =
      home.read([&](platform::Connection& c) { return platform::usage_records(c, query); });
  const bool more = static_cast<int64_t>(rows.size()) == query.limit;
  return answer(request, rows, more ? platform::place_of(rows.back()) : "");
}

Reply days(HomeDatabase& home, const Request& request) {
  const UsageQuery query = query_of(home, request);
  return answer(request, home.read([&](platform::Connection& c) { return platform::usage_days(c, query); }), "");
}

/// As a value of a label stands between its quotes.
std::string label(const std::string& text) {
  std::string escaped;
  for (const char c : text)
    escaped += c == '\\' || c == '"' ? std::string{'\\', c} : c == '\n' ? std::string("\\n") : std::string(1, c);
  return escaped;
}

std::string prometheus(const Metering& metering) {
  std::string requests =
      "# HELP maru_workspace_requests_total Requests of a workspace that ended\n"
      "# TYPE maru_workspace_requests_total counter\n";
  std::string tokens =
      "# HELP maru_workspace_tokens_total Tokens of a workspace; cached are of the input, reasoning of the output\n"
      "# TYPE maru_workspace_tokens_total counter\n";
  for (const auto& [workspace, total] : metering.totals()) {
    const std::string of = "{workspace=\"" + label(workspace) + "\"";
    requests += "maru_workspace_requests_total" + of + "} " + std::to_string(total.requests) + "\n";
    for (const auto& [kind, count] :
         {std::pair("input", total.input_tokens), std::pair("cached", total.cached_tokens),
          std::pair("output", total.output_tokens), std::pair("reasoning", total.reasoning_tokens)})
      tokens += "maru_workspace_tokens_total" + of + ",kind=\"" + kind + "\"} " + std::to_string(count) + "\n";
  }
  return requests + tokens +
         "# HELP maru_usage_lost_total Records of requests that could not be written\n"
         "# TYPE maru_usage_lost_total counter\nmaru_usage_lost_total " +
         std::to_string(metering.lost()) + "\n";
}

std::string project_of(const Request& request) { return request.arguments.size() > 1 ? request.arguments[1] : ""; }

Reply show_quota(HomeDatabase& home, Metering&, const Request& request) {
  return {
      http::Response{.body = http::to_line(to_json(Quotas(home).find(workspace_of(request), project_of(request))))}};
}

Reply set_quota(HomeDatabase& home, Metering& metering, const Request& request) {
  const std::string& workspace = workspace_of(request);
  const auto quota = http::read_fields<Quota>(http::read_object(request.body));
  Quotas(home).set(workspace, project_of(request), quota, actor_of(request).key);
  metering.renew();  // it holds as soon as it is answered
  return {http::Response{.body = http::to_line(to_json(quota))}};
}

}  // namespace

void add_usage_routes(http::Router& router, HomeDatabase& home, Metering& metering) {
  const auto read = [&](const char* pattern, auto answer, std::string_view scope, const char* doc) {
    router.add({.pattern = pattern,
                .handler = [&home, answer](const Request& request, const http::Wake&) { return answer(home, request); },
                .scope = scope,
                .doc = doc});
  };
  read("/v1/maru/usage", records, "admin",
       "a record of each request: ?from=, ?to=, ?after=, ?limit=, ?format=csv; an operator's: of all, or ?workspace=");
  read("/v1/maru/usage/days", days, "admin", "sums of days by project, key, model and adapter, asked for likewise");
  router.add({.pattern = "/v1/maru/usage/metrics",
              .handler =
                  [&metering](const Request&, const http::Wake&) {
                    return Reply{http::Response{.content_type = "text/plain; version=0.0.4; charset=utf-8",
                                                .body = prometheus(metering)}};
                  },
              .scope = "*",
              .doc = "what each workspace has used since the start, as Prometheus reads it"});
  const auto add = [&](Method method, const std::string& pattern, std::string_view scope, auto answer,
                       const char* doc) {
    router.add({.method = method,
                .pattern = kWorkspace + pattern,
                .handler =
                    [&home, &metering, answer](const Request& request, const http::Wake&) {
                      const LongWait wait(request.waits);  // for others who write
                      return answer(home, metering, request);
                    },
                .scope = scope,
                .doc = doc,
                .body = method == Method::kPut ? http::body_schema<Quota> : nullptr});
  };
  add(Method::kGet, "/quota", "read", show_quota, "what a workspace may use, all its keys together");
  add(Method::kPut, "/quota", "*", set_quota, "set it");
  add(Method::kGet, "/projects/{project}/quota", "read", show_quota, "what a project may use");
  add(Method::kPut, "/projects/{project}/quota", "admin", set_quota, "set it");
}

}  // namespace maru::api::tenants
