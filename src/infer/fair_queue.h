// Who is served next: virtual token counters (Sheng et al. 2024, arXiv 2401.00588, algorithm 2).
//
// Every tenant has a counter of the service it got, divided by its weight; of those that wait, whoever has got least is
// next. Who begins to wait does not claim what it could have had before: its counter is lifted to the least of those
// that wait already. So of two tenants that both always wait, neither gets more than the other by more than what one
// batch can hold.
#pragma once
#include <cstdint>
#include <map>
#include <string>

namespace maru::infer {

class FairQueue {
 public:
  /// The tenant has one sequence more, or one less.
  void enter(const std::string& tenant);
  void leave(const std::string& tenant);
  /// One of its sequences begins to wait, or waits no more.
  void wait(const std::string& tenant);
  void stop_waiting(const std::string& tenant);
  /// It was given something.
  void serve(const std::string& tenant, double cost) { at(tenant).served += cost; }
  /// What it was given so far; it has sequences.
  double served(const std::string& tenant) const;
  /// That are remembered: those with sequences, and those ahead of who waits.
  int64_t num_tenants() const { return static_cast<int64_t>(counters_.size()); }

 private:
  struct Counter {
    double served = 0;
    int64_t sequences = 0, waiting = 0;
  };
  Counter& at(const std::string& tenant);
  void note_floor();
  std::map<std::string, Counter> counters_;
  double floor_ = 0;  // where who begins to wait begins
  std::string last_;  // who waited last
};

}  // namespace maru::infer
