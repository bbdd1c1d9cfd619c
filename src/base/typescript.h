// Schemas of structs (base/schema.h) as TypeScript.
#pragma once
#include <string>

#include "base/json_fwd.h"

namespace maru {

/// `schemas`: an object from name to schema, as Schemas::all() has them. An interface each, a field a line behind its
/// explanation; what may be left out has a question mark, what may be anything is `unknown`.
std::string typescript(const Json& schemas);

}  // namespace maru
