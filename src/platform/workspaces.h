// Workspaces, the unit of isolation, and the projects in them.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/fields.h"
#include "platform/home_database.h"

namespace maru::platform {

/// As repositories are called (check_repository_name), but for the words that paths of the hub begin with.
Outcome check_workspace_name(std::string_view what, std::string_view name);

struct Workspace {
  std::string name, description, created_at, created_by;
  static constexpr auto fields() {
    using C = Workspace;
    return std::tuple{field("name", &C::name, "what repositories have before the slash, and keys of a file as tenant"),
                      field("description", &C::description, "for people"), field("created_at", &C::created_at, "UTC"),
                      field("created_by", &C::created_by, "by which key")};
  }
};

struct Project {
  std::string workspace, name, description, created_at, created_by;
  static constexpr auto fields() {
    using C = Project;
    return std::tuple{field("workspace", &C::workspace, "it is in"), field("name", &C::name, "within its workspace"),
                      field("description", &C::description, "for people"), field("created_at", &C::created_at, "UTC"),
                      field("created_by", &C::created_by, "by which key")};
  }
};

/// Throws   RequestFailure (kNotFound, "workspace").
void require_workspace(Connection& connection, std::string_view name);
[[noreturn]] void missing_workspace(std::string_view name);
/// Throws   RequestFailure (kNotFound, "project").
void require_project(Connection& connection, std::string_view workspace, std::string_view name);

/// Thread-safe. `by` is who does it, as commits and the audit call them. What is not there is a RequestFailure
/// (kNotFound) with the field "workspace" or "project".
class Workspaces {
 public:
  explicit Workspaces(HomeDatabase& home) : home_(home) {}

  /// Throws   kExists; kInvalidArgument for a name that is none.
  Workspace create(const std::string& name, const std::string& description, const std::string& by);
  Workspace find(const std::string& name);
  /// Behind the name `after`, at most `limit`; of one alone where `only` says so.
  std::vector<Workspace> list(const std::optional<std::string>& only, const std::string& after, int64_t limit);
  /// With its projects and members; its keys are known no more.
  ///
  /// Throws   kExists while it holds repositories, entities or jobs, and for "local".
  void remove(const std::string& name, const std::string& by);

  /// Throws   kExists; kInvalidArgument for a name that is none.
  Project create_project(const std::string& workspace, const std::string& name, const std::string& description,
                         const std::string& by);
  std::vector<Project> projects(const std::string& workspace, const std::string& after, int64_t limit);
  /// Throws   kExists while a key that is in force is of it.
  void remove_project(const std::string& workspace, const std::string& name, const std::string& by);

 private:
  HomeDatabase& home_;
};

}  // namespace maru::platform
