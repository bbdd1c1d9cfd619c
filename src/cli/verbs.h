// One function per verb of `maru`: add_VERB adds a subcommand that runs it. One file per verb; the list of them, from
// which the table is made, stands in CMakeLists.txt.
#pragma once
#include <CLI/CLI.hpp>
#include <span>

#include "cli/recipe.h"
#include "cli/session.h"
#include "cli/usage.h"

namespace maru::cli {

using AddVerb = void (*)(CLI::App& app, Session& session);

/// Of the program that is linked, in the order of its help.
std::span<const AddVerb> all_verbs();

}  // namespace maru::cli
