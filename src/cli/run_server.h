// What `maru serve` and `maru up` do alike: serve a model until a signal comes.
#pragma once
#include <string>

#include "catalogue/adapter.h"
#include "cli/session.h"
#include "api/server.h"

namespace maru::cli {

/// Whether the listener's address and port can be had, for those who will want them later.
///
/// Throws   kInvalidArgument for an address without a key, kExists for a port in use.
void check_can_serve(const api::ServeConfig& config);
void run_server(Session& session, const api::ServeConfig& config, const std::vector<std::string>& models,
                const catalogue::NamedAdapter& adapter);

}  // namespace maru::cli
