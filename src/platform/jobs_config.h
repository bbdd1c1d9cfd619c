// How a server runs the jobs of its home.
#pragma once
#include <cstdint>

#include "base/fields.h"

namespace maru::platform {

struct JobsConfig {
  bool run = true;
  int64_t cores = 0, memory_mib = 0, heavy = 1;
  int64_t restarts = 3, nice = 10;
  double restart_seconds = 1, grace_seconds = 60, hang_seconds = 600;
  static constexpr auto fields() {
    using C = JobsConfig;
    return std::tuple{
        field("run", &C::run,
              "this server runs the jobs of its home, unless another one does; false: it only takes them"),
        field("cores", &C::cores,
              "that all jobs together may compute on; 0: half of them, one at least, the rest serves")
            .range(0, 1024),
        field("memory_mib", &C::memory_mib, "that all jobs together may have, MiB; 0: half of what the machine has")
            .range(0, 1 << 30),
        field("heavy", &C::heavy, "jobs that train, tune, evaluate or quantize at a time").range(1, 1024),
        field("restarts", &C::restarts, "of a job whose worker died; then it has failed").range(0, 1'000'000),
        field("restart_seconds", &C::restart_seconds,
              "before the first restart; twice as long before the next, and so on")
            .range(0, 3600),
        field("grace_seconds", &C::grace_seconds,
              "that a worker has to save its work when it is to stop; then it is killed")
            .range(0, 86400),
        field("hang_seconds", &C::hang_seconds,
              "without any sign of work, after which a worker is killed and started again; 0: never")
            .range(0, 1e9),
        field("nice", &C::nice, "how far jobs stand back behind other programs of the machine").range(0, 19)};
  }
};

}  // namespace maru::platform
