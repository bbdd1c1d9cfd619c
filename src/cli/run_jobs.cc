#include "cli/run_jobs.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "tensor/host_buffer.h"

namespace maru::cli {

platform::SupervisorOptions supervisor_options(const Session& session, const platform::JobsConfig& config,
                                               bool serves) {
  std::vector<int> cores = platform::usable_cores();
  const auto all = static_cast<int64_t>(cores.size());
  const int64_t share = serves ? std::max<int64_t>(1, all / 2) : session.threads > 0 ? session.threads : all;
  const int64_t taken = std::min(config.cores > 0 ? config.cores : share, all);
  cores.erase(cores.begin(), cores.end() - taken);  // the last ones: the first serve
  const int64_t memory =
      config.memory_mib > 0 ? config.memory_mib << 20 : static_cast<int64_t>(machine_bytes()) / (serves ? 2 : 1);
  // This very program, also when its file has been replaced meanwhile.
  return {.command = {.program = "/proc/self/exe", .arguments = {"--home", session.home.string(), "worker"}},
          .config = config,
          .capacity = {.cores = taken, .memory_bytes = memory, .heavy = config.heavy},
          .cores = std::move(cores),
          .warn = [](const std::string& message) { spdlog::warn("{}", message); }};
}

}  // namespace maru::cli
