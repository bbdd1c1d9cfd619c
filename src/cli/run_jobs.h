// What runs the jobs of a home from this program: worker processes of itself.
#pragma once
#include "cli/session.h"
#include "platform/job_supervisor.h"

namespace maru::cli {

/// `serves`: a part of the machine is kept for serving, else jobs may have all of it.
platform::SupervisorOptions supervisor_options(const Session& session, const platform::JobsConfig& config, bool serves);

}  // namespace maru::cli
