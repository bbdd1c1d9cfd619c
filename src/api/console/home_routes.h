// The routes under /v1/maru: how the server is, and the artefacts of the home directory: runs, datasets, models.
// Read-only; names from the outside never lead out of the home.
#pragma once
#include <functional>

#include "api/console/answers.h"
#include "base/file.h"
#include "http/router.h"

namespace maru::api::console {

/// /v1/maru/status; `status` is asked on a network thread.
void add_status_route(http::Router& router, std::function<Status()> status);
void add_home_routes(http::Router& router, const fs::path& home);

}  // namespace maru::api::console
