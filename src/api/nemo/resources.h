// The entities of NeMo microservices 25.x, in one table: where each is found, what it must say, what may be asked of
// it.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/schema.h"

namespace maru::api::nemo {

struct Resource {
  std::string_view path;                            // below /nemo/v1
  std::string_view type;                            // of the entities
  std::string_view id;                              // what ids begin with
  std::string_view doc;                             // "a dataset"
  std::span<const std::string_view> required = {};  // of who makes one: "artifact.status" where there is an artifact
  std::span<const std::string_view> objects = {};   // of which filters ask whether they are there
  /// The fields of a body, checked, without those that it does not say.
  Json (*read)(const Json& body) = nullptr;
  Json (*schema)(Schemas&) = nullptr;
  /// What may be filtered, searched and sorted by, at the beginning of a path.
  std::vector<std::string_view> (*names)() = nullptr;
  /// Makes the changes of a body in the data of an entity, of a new one in an empty object. Null: sets its fields.
  void (*apply)(Json& data, Json changes, bool is_new) = nullptr;
};

std::span<const Resource> resources();

/// Throws   RequestFailure "missing" naming the first field that is not there.
void check_required(const Resource& resource, const Json& body);

}  // namespace maru::api::nemo
