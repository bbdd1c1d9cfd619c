// Removing what Maru made from a home, and nothing else.
#pragma once
#include <string>
#include <vector>

#include "catalogue/listing.h"

namespace maru::catalogue {

/// Something of a home by name.
struct Named {
  Kind kind = Kind::kModel;
  std::string name;
  fs::path path;
};

/// What "docs" or "models/docs" means in this home.
///
/// Throws   kNotFound, with the nearest name; kInvalidArgument for what cannot be a name, for a kind that does not
/// exist
///          and for a name that several kinds have, listing them.
Named find_named(const Home& home, const std::string& name);

/// What would go.
struct Removal {
  int64_t files = 0;
  uint64_t bytes = 0;
  std::vector<std::string> dependents;  // what was made from it, and stays
};

/// Looks, and removes nothing. A link is one file, whatever it leads to.
///
/// Throws   kExists for what Maru did not make, and for a directory in which other files lie too, naming the first;
///          kDataLoss when a damaged manifest does not say which files are its own.
Removal plan_removal(const Home& home, const Named& named);

/// Removes it whole: renamed at once, then deleted; a process that dies between leaves what remove_leftovers removes.
///
/// Throws   as plan_removal; kExists ("in use by process N") when it is being written, and, unless `force`, when
///          something depends on it, naming what.
Removal remove(const Home& home, const Named& named, bool force);

}  // namespace maru::catalogue
