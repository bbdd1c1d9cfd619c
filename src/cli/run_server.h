// What `maru serve` and `maru up` do alike: serve a model until a signal comes.
#pragma once
#include <string>

#include "api/server.h"
#include "cli/session.h"

namespace maru::cli {

/// Whether the listener's address and port can be had, for those who will want them later.
///
/// Throws   kInvalidArgument for an address without a key, kExists for a port in use.
void check_can_serve(const Session& session, const api::ServeConfig& config);
/// `config` without a keys_file: that of the home, if there is one.
void run_server(Session& session, api::ServeConfig config, const api::ServedSources& sources);

}  // namespace maru::cli
