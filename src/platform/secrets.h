// What jobs and people of a workspace need and nobody may read by the way: tokens, passwords. Kept sealed with a key
// that stands in a file of its own, each bound to its workspace and its name, so that none can be put in another's
// place.
#pragma once
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "base/fields.h"
#include "platform/home_database.h"

namespace maru::platform {

/// What may be told of one.
struct SecretInfo {
  std::string workspace, name, description, created_at, created_by, changed_at;
  int64_t version = 1;
  static constexpr auto fields() {
    using C = SecretInfo;
    return std::tuple{field("workspace", &C::workspace, "whose it is"),
                      field("name", &C::name, "within its workspace"),
                      field("description", &C::description, "for people"),
                      field("created_at", &C::created_at, "UTC"),
                      field("created_by", &C::created_by, "by which key"),
                      field("changed_at", &C::changed_at, "UTC, of its value"),
                      field("version", &C::version, "of its value, from 1 on")};
  }
};

/// Thread-safe. What is not there is a RequestFailure (kNotFound) with the field "workspace" or "secret".
class Secrets {
 public:
  static constexpr size_t kMostBytes = 64 << 10;  // of a value

  /// `key_file`: 64 hexadecimal digits, its owner's alone; made with the first secret of a home. Empty: secrets.key
  /// beside the database.
  explicit Secrets(HomeDatabase& home, const fs::path& key_file = {});

  /// Throws   kExists; RequestFailure for a name or a value that cannot be one; kUnavailable without the key.
  SecretInfo create(const std::string& workspace, const std::string& name, const std::string& value,
                    const std::string& description, const std::string& by);
  /// Another value in its place.
  SecretInfo rotate(const std::string& workspace, const std::string& name, const std::string& value,
                    const std::string& by);
  std::vector<SecretInfo> list(const std::string& workspace, const std::string& after, int64_t limit);
  /// The value, and an entry of the audit that `by` has it.
  ///
  /// Throws   kDataLoss when it was changed or belongs elsewhere.
  std::string value(const std::string& workspace, const std::string& name, const std::string& by);
  void remove(const std::string& workspace, const std::string& name, const std::string& by);

 private:
  std::string key(Connection& connection, bool may_make) const;

  HomeDatabase& home_;
  const fs::path key_file_;
};

}  // namespace maru::platform
