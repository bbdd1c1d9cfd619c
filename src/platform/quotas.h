// What a workspace, or a project in it, may take, all its keys together.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/fields.h"
#include "platform/home_database.h"

namespace maru::platform {

/// 0: no limit.
struct Quota {
  int64_t requests_per_minute = 0, tokens_per_minute = 0, tokens_per_day = 0, tokens_per_month = 0;
  int64_t parallel_choices = 0, storage_bytes = 0;

  static constexpr auto fields() {
    using C = Quota;
    return std::tuple{
        field("requests_per_minute", &C::requests_per_minute, "0: no limit").range(0, 1e9),
        field("tokens_per_minute", &C::tokens_per_minute, "of prompts and answers together; 0: no limit")
            .range(0, 1e12),
        field("tokens_per_day", &C::tokens_per_day, "likewise, of a day of UTC").range(0, 1e15),
        field("tokens_per_month", &C::tokens_per_month, "likewise, of a month of UTC").range(0, 1e15),
        field("parallel_choices", &C::parallel_choices, "running and waiting; 0: no limit").range(0, 1 << 20),
        field("storage_bytes", &C::storage_bytes, "of files, each once; of workspaces alone; 0: no limit")
            .range(0, 1e15)};
  }
};

struct QuotaOf {
  std::string workspace, project;  // no project: of the workspace
  Quota quota;
};

/// Of all that have any.
std::vector<QuotaOf> read_quotas(Connection& connection);

/// What a workspace may keep; 0: no limit.
int64_t storage_limit(Connection& connection, const std::string& workspace);

/// Thread-safe. What is not there is a RequestFailure (kNotFound) with the field "workspace" or "project".
class Quotas {
 public:
  explicit Quotas(HomeDatabase& home) : home_(home) {}
  Quota find(const std::string& workspace, const std::string& project);
  void set(const std::string& workspace, const std::string& project, const Quota& quota, const std::string& by);

 private:
  HomeDatabase& home_;
};

}  // namespace maru::platform
