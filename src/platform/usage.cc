#include "platform/usage.h"

#include <string_view>

namespace maru::platform {
namespace {

constexpr std::string_view kEndOfTime = "9999-12-31T23:59:59Z";

std::string_view end_of(const UsageQuery& query) { return query.to.empty() ? kEndOfTime : std::string_view(query.to); }

}  // namespace

std::string place_of(const UsageRecord& record) { return record.at + " " + record.id; }

void append_usage(Connection& c, const UsageRecord& record) {
  c.prepare(
       "INSERT OR IGNORE INTO usage (id, at, workspace, project, key, model, digest, adapter, input_tokens, "
       "cached_tokens, output_tokens, reasoning_tokens, queue_seconds, compute_seconds) "
       "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(record.id)
      .bind(record.at)
      .bind(record.workspace)
      .bind(record.project)
      .bind(record.key)
      .bind(record.model)
      .bind(record.digest)
      .bind(record.adapter)
      .bind(record.input_tokens)
      .bind(record.cached_tokens)
      .bind(record.output_tokens)
      .bind(record.reasoning_tokens)
      .bind(record.queue_seconds)
      .bind(record.compute_seconds)
      .run();
}

std::vector<UsageRecord> usage_records(Connection& c, const UsageQuery& query) {
  Statement rows = c.prepare(
      "SELECT id, at, workspace, project, key, model, digest, adapter, input_tokens, cached_tokens, output_tokens, "
      "reasoning_tokens, queue_seconds, compute_seconds FROM usage WHERE (?1 IS NULL OR workspace = ?1) AND at >= ?2 "
      "AND at < ?3 AND at || ' ' || id > ?4 AND at >= substr(?4, 1, 20) ORDER BY at, id LIMIT ?5");
  rows.bind(query.workspace).bind(query.from).bind(end_of(query)).bind(query.after).bind(query.limit);
  std::vector<UsageRecord> all;
  while (rows.next())
    all.push_back({rows.text(0), rows.text(1), rows.text(2), rows.text(3), rows.text(4), rows.text(5), rows.text(6),
                   rows.text(7), rows.integer(8), rows.integer(9), rows.integer(10), rows.integer(11), rows.number(12),
                   rows.number(13)});
  return all;
}

std::vector<UsageDay> usage_days(Connection& c, const UsageQuery& query) {
  Statement rows = c.prepare(
      "SELECT substr(at, 1, 10) AS day, workspace, project, key, model, adapter, count(*), sum(input_tokens), "
      "sum(cached_tokens), sum(output_tokens), sum(reasoning_tokens), sum(queue_seconds), sum(compute_seconds) "
      "FROM usage WHERE (?1 IS NULL OR workspace = ?1) AND at >= ?2 AND at < ?3 "
      "GROUP BY day, workspace, project, key, model, adapter ORDER BY day, workspace, project, key, model, adapter");
  rows.bind(query.workspace).bind(query.from).bind(end_of(query));
  std::vector<UsageDay> all;
  while (rows.next())
    all.push_back({rows.text(0), rows.text(1), rows.text(2), rows.text(3), rows.text(4), rows.text(5), rows.integer(6),
                   rows.integer(7), rows.integer(8), rows.integer(9), rows.integer(10), rows.number(11),
                   rows.number(12)});
  return all;
}

}  // namespace maru::platform
