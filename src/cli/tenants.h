// What verbs share that work on the database of a home, with or without a server that runs on it.
#pragma once
#include <memory>

#include "base/principal.h"
#include "cli/session.h"
#include "platform/home_database.h"

namespace maru::cli {

/// That of this home, made where somebody writes to it.
///
/// Throws   what the database throws: of a home that is damaged, or of a newer Maru.
std::unique_ptr<platform::HomeDatabase> home_database(const Session& session);
/// Whoever types verbs owns the home: its operator.
Principal on_the_command_line();
/// Whether a server of this home asks for a key, by what its database says.
bool home_has_keys(const Session& session);

}  // namespace maru::cli
