// How long a run takes, on a machine of one's own or one that others use.
#pragma once
#include <ctime>
#include <functional>

namespace maru::bench {

/// Wall time; or the CPU time of all threads divided by their number, which others on the machine lengthen less.
class Timer {
 public:
  Timer(bool cpu_time, int threads)
      : clock_(cpu_time ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC), threads_(cpu_time ? threads : 1) {}
  double operator()(const std::function<void()>& run) const {
    const double start = now();
    run();
    return (now() - start) / threads_;
  }

 private:
  double now() const {
    timespec time{};
    clock_gettime(clock_, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  }
  clockid_t clock_;
  int threads_;
};

}  // namespace maru::bench
