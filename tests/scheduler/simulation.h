// For tests: random arrivals, cancels, pauses and guesses of several tenants, with too few pages for all. After every
// plan all invariants of scheduler.h hold, and what lies in the pages that a sequence takes for computed is what it
// would have computed itself.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "infer/scheduler.h"

namespace maru::infer {

class SchedulerSimulation {
 public:
  explicit SchedulerSimulation(uint64_t seed);
  /// Runs `steps` steps under load, then lets everything end. Throws Failure naming what was broken.
  void run(int64_t steps);

  int64_t finished() const { return finished_; }
  int64_t preemptions() const { return scheduler_.num_preemptions(); }
  int64_t reused_tokens() const { return reused_tokens_; }
  int64_t accepted_drafts() const { return accepted_drafts_; }
  int64_t compared_tenants() const { return compared_tenants_; }

 private:
  struct Live {
    std::string tenant;
    uint64_t salt;
    int64_t wanted;  // known tokens at which it ends
    bool paused = false;
    std::vector<uint64_t> marks;   // of each known token: a hash of it and of all before
    std::vector<int32_t> guesses;  // proposed for the next plan
  };
  bool chance(uint64_t one_in) { return random_.below(one_in) == 0; }
  void arrive();
  void add(Arrival arrival, int64_t wanted);
  void disturb();
  void guess();
  void advance();
  void compute(const Chunk& chunk);
  void sample(const Chunk& chunk);
  bool append(SequenceId id, int32_t token, bool computed);
  void end(SequenceId id);
  uint64_t& cell(SequenceId id, int64_t position);
  void check_plan(const std::vector<Chunk>& chunks);
  void check_progress(const std::vector<Chunk>& chunks) const;
  void check_pages();
  void check_turns();

  Random random_;
  const SchedulerLimits limits_;
  Scheduler scheduler_;
  std::map<SequenceId, Live> live_;
  std::vector<uint64_t> memory_;  // a mark for each token of each page
  SequenceId next_ = 0;
  int64_t finished_ = 0, reused_tokens_ = 0, accepted_drafts_ = 0, compared_tenants_ = 0;
};

}  // namespace maru::infer
