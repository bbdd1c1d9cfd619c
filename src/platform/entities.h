// What people name and describe in a workspace: datasets, models, configurations, deployments. An entity is a row with
// columns that all have, and an object of JSON in the words of the API that it came through; it points to files and
// artefacts, and is none itself.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "platform/database.h"

namespace maru::platform {

/// What an entity is found by: unique together.
struct EntityName {
  std::string workspace, type, name;
  /// `dataset "team/talks"`.
  std::string text() const;
};

struct Entity {
  std::string id;  // of all entities of all types
  EntityName name;
  std::string project;
  Json data;                                                   // an object
  std::string created_at, created_by, updated_at, updated_by;  // UTC, milliseconds
  int64_t version = 1;                                         // grows by one with every change
};

/// A condition on a column (id, name, workspace, project, created_at, updated_at) or on a value within the data.
struct EntityCondition {
  enum class Test : uint8_t {
    kEquals,    // any of `values`
    kContains,  // any of them, as text within text, whatever the case of ASCII letters
    kPresent,   // values = {true}: there is one; {false}: there is none
    kAtLeast,   // values[0], as text or as numbers are ordered
    kAtMost
  };
  std::vector<std::string> path;  // one of the columns' names, or the keys that lead to a value
  Test test = Test::kEquals;
  std::vector<Json> values;  // texts, numbers, booleans
};

struct EntityOrder {
  std::vector<std::string> path;  // as above
  bool descending = false;
};

/// Which entities, and which of them: `offset` and on, at most `limit`.
struct EntityQuery {
  std::string type;
  std::optional<std::string> workspace;  // none: all
  std::vector<EntityCondition> conditions;
  std::vector<EntityOrder> order;  // where all are equal, and without: the oldest first
  int64_t offset = 0, limit = 100;
};

struct EntityPage {
  std::vector<Entity> entities;
  int64_t total = 0;  // that meet the conditions
};

/// How much a query may ask: conditions, values in one of them, keys in one path.
inline constexpr size_t kMostConditions = 16, kMostConditionValues = 64, kMostPathKeys = 8;

/// Thread-safe, as the database is.
class Entities {
 public:
  explicit Entities(Database& database) : database_(database) {}

  /// `draft`: without times and version. A workspace that is not there yet is made, as by a repository.
  ///
  /// Throws   kExists, also for an id that is taken; kInvalidArgument for a name that is none.
  Entity create(Entity draft);
  /// Throws   RequestFailure (kNotFound).
  Entity find(const EntityName& name);
  /// change(Entity&) may change project and data of the entity as it is now; nobody else changes it meanwhile.
  /// `expected`: refused when its version is another.
  ///
  /// Throws   RequestFailure (kNotFound); kExists when the version is another; what `change` throws.
  template <class F>
  Entity update(const EntityName& name, const std::string& by, F change, std::optional<int64_t> expected = {}) {
    return database_.write([&](Connection& c) {
      Entity entity = find(c, name, expected);
      change(entity);
      return store(c, std::move(entity), by);
    });
  }
  /// Returns  what it was, `updated_at` being now. Throws   RequestFailure (kNotFound).
  Entity remove(const EntityName& name);
  /// Throws   kInvalidArgument for a query that is too large or holds an object.
  EntityPage list(const EntityQuery& query);

  /// The same within somebody else's transaction, so that what belongs together changes together.
  static Entity create(Connection& c, Entity draft);
  static Entity find(Connection& c, const EntityName& name, std::optional<int64_t> expected = {});
  /// With its next version.
  static Entity store(Connection& c, Entity entity, const std::string& by);

 private:
  Database& database_;
};

/// "dataset-6QvY…": a prefix and 128 random bits in base 58, as clients of NeMo know ids.
std::string new_entity_id(std::string_view prefix);

}  // namespace maru::platform
