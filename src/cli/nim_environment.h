// The environment variables that NVIDIA NIM's containers are configured by, as Maru's options: one table.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/json.h"

namespace maru::cli {

/// What a variable is set to; null: it is not.
using Environment = std::function<const char*(const char*)>;

struct NimSettings {
  Json config = Json::object();       // of serve, as a recipe says it
  std::vector<std::string> warnings;  // of variables that are set and do nothing here; never their values
};

/// Recipes and options come before what it says.
///
/// Throws   kInvalidArgument naming the variable for a value that it cannot have.
NimSettings nim_settings(const Environment& environment);

}  // namespace maru::cli
