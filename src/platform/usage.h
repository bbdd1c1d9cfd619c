// What was used: one record for each request that a model answered, appended and never changed. Sums of them are what
// is billed, and what quotas of days and months are counted by.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/fields.h"
#include "platform/database.h"

namespace maru::platform {

struct UsageRecord {
  std::string id, at, workspace, project, key, model, digest, adapter;
  int64_t input_tokens = 0, cached_tokens = 0, output_tokens = 0, reasoning_tokens = 0;
  double queue_seconds = 0, compute_seconds = 0;

  int64_t tokens() const { return input_tokens + output_tokens; }
  static constexpr auto fields() {
    using C = UsageRecord;
    return std::tuple{
        field("id", &C::id, "unlike that of any other request"),
        field("at", &C::at, "when it ended, UTC"),
        field("workspace", &C::workspace, "whose request it was"),
        field("project", &C::project, "of the workspace; empty: none"),
        field("key", &C::key, "by which key"),
        field("model", &C::model, "as the request named it"),
        field("digest", &C::digest, "SHA-256 of its weights, where the server knows it"),
        field("adapter", &C::adapter, "beside its weights; empty: none"),
        field("input_tokens", &C::input_tokens, "of prompts"),
        field("cached_tokens", &C::cached_tokens, "of these, computed before"),
        field("output_tokens", &C::output_tokens, "generated, reasoning included"),
        field("reasoning_tokens", &C::reasoning_tokens, "of these, reasoning"),
        field("queue_seconds", &C::queue_seconds, "that it waited for a place, of all its choices"),
        field("compute_seconds", &C::compute_seconds, "from its first step to its last, of all its choices")};
  }
};

/// Sums of a day, by what was used.
struct UsageDay {
  std::string day, workspace, project, key, model, adapter;
  int64_t requests = 0, input_tokens = 0, cached_tokens = 0, output_tokens = 0, reasoning_tokens = 0;
  double queue_seconds = 0, compute_seconds = 0;

  static constexpr auto fields() {
    using C = UsageDay;
    return std::tuple{field("day", &C::day, "UTC"),
                      field("workspace", &C::workspace, "whose requests they were"),
                      field("project", &C::project, "of the workspace; empty: none"),
                      field("key", &C::key, "by which key"),
                      field("model", &C::model, "as requests named it"),
                      field("adapter", &C::adapter, "beside its weights; empty: none"),
                      field("requests", &C::requests, "that ended"),
                      field("input_tokens", &C::input_tokens, "of prompts"),
                      field("cached_tokens", &C::cached_tokens, "of these, computed before"),
                      field("output_tokens", &C::output_tokens, "generated, reasoning included"),
                      field("reasoning_tokens", &C::reasoning_tokens, "of these, reasoning"),
                      field("queue_seconds", &C::queue_seconds, "that they waited"),
                      field("compute_seconds", &C::compute_seconds, "that they ran")};
  }
};

/// Which records: of a workspace (none: of all) that ended in [from, to), behind a place that a record had.
struct UsageQuery {
  std::optional<std::string> workspace;
  std::string from, to;  // UTC; empty: open
  std::string after;     // place_of() the last one of the page before
  int64_t limit = 1000;
};
std::string place_of(const UsageRecord& record);

/// Within a transaction; a record that is there already is not counted twice.
void append_usage(Connection& connection, const UsageRecord& record);
/// In the order of their times.
std::vector<UsageRecord> usage_records(Connection& connection, const UsageQuery& query);
/// Sums of all that the query means; its page is not asked.
std::vector<UsageDay> usage_days(Connection& connection, const UsageQuery& query);

}  // namespace maru::platform
