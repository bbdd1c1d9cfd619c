// Who is in a workspace, and as what: people ("user") and service accounts ("service"), each with one role.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/fields.h"
#include "base/principal.h"
#include "platform/home_database.h"
#include "platform/roles.h"

namespace maru::platform {

struct Member {
  std::string workspace, kind, name, role, created_at, created_by;
  static constexpr auto fields() {
    using C = Member;
    return std::tuple{field("workspace", &C::workspace, "they are in"),
                      field("kind", &C::kind, "a person, or a program").one_of(kMemberKinds),
                      field("name", &C::name, "of a person the same in all workspaces, of a service in this one alone"),
                      field("role", &C::role, "what their keys may do at most").one_of(kRoles),
                      field("created_at", &C::created_at, "UTC"),
                      field("created_by", &C::created_by, "by which key")};
  }
};

/// Throws   RequestFailure: no kind, or a name that cannot be one.
void check_member(std::string_view kind, std::string_view name);
/// The role of a member; empty: there is none.
std::string role_of(Connection& connection, std::string_view workspace, std::string_view kind, std::string_view name);
/// Adds a member who is not there yet.
void add_member(Connection& connection, const Audit& audit, const Member& member);

/// Thread-safe. What is not there is a RequestFailure (kNotFound) with the field "workspace" or "member".
class Members {
 public:
  explicit Members(HomeDatabase& home) : home_(home) {}
  std::vector<Member> list(const std::string& workspace, const std::string& after, int64_t limit);
  /// Adds a member, or changes what they are; their keys follow.
  ///
  /// Throws   RequestFailure for a role that can do more than `by`, or is less than it was of one who can.
  Member set(const std::string& workspace, const std::string& kind, const std::string& name, const std::string& role,
             const Principal& by);
  /// Their keys of this workspace are revoked. Throws as set() does.
  void remove(const std::string& workspace, const std::string& kind, const std::string& name, const Principal& by);

 private:
  HomeDatabase& home_;
};

}  // namespace maru::platform
