// The routes under /v1/maru that read artefacts from the home directory: runs, datasets, models. Read-only; names from
// the outside never lead out of the home.
#pragma once
#include "base/file.h"
#include "server/http_router.h"

namespace maru::server {

void add_home_routes(Router& router, const fs::path& home);

}  // namespace maru::server
