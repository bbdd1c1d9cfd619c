// The routes below /v1/maru/jobs.
#pragma once
#include "base/file.h"
#include "http/router.h"
#include "platform/job_store.h"

namespace maru::api::jobs {

/// A key sees the jobs of its workspace; one that may do everything, and whoever needs no key, those of all. The store
/// must outlive the router.
void add_routes(http::Router& router, platform::JobStore& store, const fs::path& home);

}  // namespace maru::api::jobs
