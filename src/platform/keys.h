// API keys in the database of a home: who holds them, what they may do, until when. A key has 256 random bits; what is
// kept of it is its SHA-256 and what it begins with.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/fields.h"
#include "base/principal.h"
#include "platform/home_database.h"
#include "platform/roles.h"

namespace maru::platform {

/// What one is made with.
struct NewKey {
  std::string name, kind = "service", member, project;
  std::vector<std::string> scopes{"inference", "read"}, models;
  double weight = 1;
  int64_t requests_per_minute = 0, tokens_per_minute = 0, parallel_choices = 0;
  std::string expires;

  static constexpr auto fields() {
    using C = NewKey;
    return std::tuple{
        field("name", &C::name, "of the key, unlike any other of its workspace that is in force"),
        field("kind", &C::kind, "of who holds it").one_of(kMemberKinds),
        field("member", &C::member, "who holds it; without: a service of the key's name, which is made if need be"),
        field("project", &C::project, "what its use counts for; it must be there"),
        field("scopes", &C::scopes, "what it may do, never more than who makes it").one_of(kScopes),
        field("models", &C::models, "the models it may ask; empty: all that who makes it may"),
        field("weight", &C::weight, "of its workspace: with 2 it gets twice as much as one with 1").range(0.001, 1000),
        field("requests_per_minute", &C::requests_per_minute, "0: no limit").range(0, 1e9),
        field("tokens_per_minute", &C::tokens_per_minute, "of prompts and answers together; 0: no limit")
            .range(0, 1e12),
        field("parallel_choices", &C::parallel_choices, "running and waiting; 0: the server's max_choices_per_client")
            .range(0, 1 << 20),
        field("expires", &C::expires, "the first moment (UTC) at which it is unknown: 2027-01-31T00:00:00Z")};
  }
};

/// What may be told of one.
struct KeyInfo {
  std::string id, workspace, name, prefix, kind, member, project;
  std::vector<std::string> scopes, models;
  double weight = 1;
  int64_t requests_per_minute = 0, tokens_per_minute = 0, parallel_choices = 0;
  std::string expires, last_used, revoked_at, created_at, created_by;
  bool current = true;

  static constexpr auto fields() {
    using C = KeyInfo;
    return std::tuple{field("id", &C::id, "unlike that of any other"),
                      field("workspace", &C::workspace, "whose files and quota it uses"),
                      field("name", &C::name, "of the key; one that was rotated keeps it"),
                      field("prefix", &C::prefix, "what it begins with"),
                      field("kind", &C::kind, "of who holds it").one_of(kMemberKinds),
                      field("member", &C::member, "who holds it"),
                      field("project", &C::project, "what its use counts for").unless_empty(),
                      field("scopes", &C::scopes, "as it was given them; its member's role may allow less"),
                      field("models", &C::models, "the models it may ask; without: all").unless_empty(),
                      field("weight", &C::weight, "of its workspace"),
                      field("requests_per_minute", &C::requests_per_minute, "0: no limit"),
                      field("tokens_per_minute", &C::tokens_per_minute, "0: no limit"),
                      field("parallel_choices", &C::parallel_choices, "0: as the server says"),
                      field("expires", &C::expires, "the first moment (UTC) at which it is unknown").unless_empty(),
                      field("last_used", &C::last_used, "the day (UTC)").unless_empty(),
                      field("revoked_at", &C::revoked_at, "UTC").unless_empty(),
                      field("created_at", &C::created_at, "UTC"),
                      field("created_by", &C::created_by, "by which key"),
                      field("current", &C::current, "false: revoked, or another one has taken its place")};
  }
};

/// The only time that a key is told.
struct MadeKey {
  std::string key;
  KeyInfo info;
};

/// What a server asks of a key that somebody brings.
struct KeyState {
  std::string id, hash;
  int64_t changed = 0;
  bool in_force = false;  // else it is not known any more
  std::string expires, last_used;
  Principal principal;
};

/// Thread-safe. What is not there is a RequestFailure (kNotFound) with the field "workspace", "project", "member" or
/// "key".
class Keys {
 public:
  explicit Keys(HomeDatabase& home) : home_(home) {}

  /// Throws   kExists for a name that is taken; RequestFailure for what `by` may not give, a field that is wrong, and a
  ///          member whose role does not allow the scopes.
  MadeKey create(const std::string& workspace, NewKey wanted, const Principal& by);
  /// Of one workspace or all, behind the id `after`, at most `limit`.
  std::vector<KeyInfo> list(const std::optional<std::string>& workspace, const std::string& after, int64_t limit);
  /// All of that name: the one in force, and those that it took the place of.
  void revoke(const std::string& workspace, const std::string& name, const Principal& by);
  /// A new one with the same rights; the old one is known for `overlap` yet, unless it ends before.
  MadeKey rotate(const std::string& workspace, const std::string& name, std::chrono::seconds overlap,
                 const Principal& by);

 private:
  HomeDatabase& home_;
};

/// Calls f for those that changed behind a number of change, in their order.
void for_changed_keys(Connection& connection, int64_t behind, const std::function<void(KeyState)>& f);
/// The day of last use (UTC), never an earlier one than is there.
void note_use(Connection& connection, const std::string& id, const std::string& day);
/// A member's keys of a workspace are looked at anew, or revoked; all of a workspace, for ever.
void touch_keys_of(Connection& connection, std::string_view workspace, std::string_view kind, std::string_view member);
void revoke_keys_of(Connection& connection, std::string_view workspace, std::string_view kind, std::string_view member);
void forget_keys(Connection& connection, std::string_view workspace);

}  // namespace maru::platform
