// For tests: a home's database in a folder of its own.
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "base/error.h"
#include "platform/home_database.h"
#include "platform/roles.h"

namespace maru::platform {

class TenantsTest : public testing::Test {
 protected:
  TenantsTest() { fs::remove_all(root_); }
  ~TenantsTest() override { fs::remove_all(root_); }
  static Error error_of(const std::function<void()>& f) {
    try {
      f();
    } catch (const Failure& e) {
      return e.error();
    }
    return {ErrorCode::kInternal, "no error"};
  }
  /// A key of a workspace.
  static Principal key(const std::string& workspace, std::vector<std::string> scopes) {
    return {.tenant = workspace, .key = "key " + workspace + "/k", .scopes = std::move(scopes)};
  }
  std::vector<AuditEntry> audit(const std::optional<std::string>& workspace = {}) {
    return home_.read([&](Connection& c) { return audit_entries(c, workspace, 0, 1 << 20); });
  }
  /// "action object" of each.
  std::vector<std::string> done(const std::optional<std::string>& workspace = {}) {
    std::vector<std::string> all;
    for (const AuditEntry& entry : audit(workspace)) all.push_back(entry.event.action + " " + entry.event.object);
    return all;
  }
  void execute(const std::string& script) {
    home_.write([&](Connection& c) { c.execute(script); });
  }
  const fs::path root_ = fs::temp_directory_path() / ("maru_tenants_" + std::to_string(::getpid()));
  HomeDatabase home_{root_ / "platform", {}, root_ / "signing"};
  const Principal operator_ = local_operator("operator");
};

}  // namespace maru::platform
