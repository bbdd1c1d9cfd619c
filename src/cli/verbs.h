// One function per verb of `maru`: add_VERB adds a subcommand that runs it. One file per verb; the list of them, from
// which the table is made, stands in CMakeLists.txt.
#pragma once
#include <CLI/CLI.hpp>
#include <array>

#include "cli/recipe.h"
#include "cli/session.h"
#include "cli/usage.h"
#include "verb_table.h"
