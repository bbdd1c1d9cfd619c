// The scheduler's simulation for as long as one likes: scheduler_soak STEPS SEEDS [FIRST_SEED]
#include <cstdio>
#include <cstdlib>

#include "base/error.h"
#include "scheduler/simulation.h"

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: scheduler_soak STEPS SEEDS [FIRST_SEED]\n");
    return 2;
  }
  const long steps = std::atol(argv[1]), seeds = std::atol(argv[2]), first = argc > 3 ? std::atol(argv[3]) : 0;
  for (long seed = first; seed < first + seeds; ++seed) {
    try {
      maru::infer::SchedulerSimulation simulation(static_cast<uint64_t>(seed));
      simulation.run(steps);
      std::printf("seed %ld: %ld steps, %ld ended, %ld preempted, %ld tokens reused, %ld drafts accepted\n", seed,
                  steps, static_cast<long>(simulation.finished()), static_cast<long>(simulation.preemptions()),
                  static_cast<long>(simulation.reused_tokens()), static_cast<long>(simulation.accepted_drafts()));
      std::fflush(stdout);
    } catch (const maru::Failure& failure) {
      std::fprintf(stderr, "seed %ld: %s\n", seed, failure.what());
      return 1;
    }
  }
}
