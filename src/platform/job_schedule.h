// Whose job is next: fair shares between workspaces, and between the projects of one, first come first served within a
// project. Pure: no clock, no process, no database.
//
// A workspace has a counter of the core-seconds that it was given; who has the smallest is next. One that comes (back)
// begins at the smallest counter of those who are there: what it did not use is not saved up. A job that does not fit
// now holds back those behind it, so that small ones cannot pass a large one for ever; one that waits for another heavy
// job to end holds back no light one.
#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "platform/job_record.h"

namespace maru::platform {

/// What all jobs together may have.
struct JobCapacity {
  int64_t cores = 1, memory_bytes = 0;
  int64_t heavy = 1;  // heavy jobs at a time
};

struct ScheduledJob {
  int64_t number = 0;  // who came first has the smaller one
  std::string workspace, project;
  JobDemand demand;
};

struct SchedulePlan {
  std::vector<int64_t> start;            // in this order
  std::map<int64_t, std::string> waits;  // what the others wait for
};

class JobSchedule {
 public:
  /// Work that was done for a workspace.
  void charge(const std::string& workspace, const std::string& project, double core_seconds);
  /// Which of those that wait start now, beside those that run.
  SchedulePlan plan(const std::vector<ScheduledJob>& running, const std::vector<ScheduledJob>& waiting,
                    const JobCapacity& capacity);

 private:
  /// What is left while a plan is made, and who has how much of it.
  struct Room;
  using Counters = std::map<std::string, double>;
  using Jobs = std::vector<const ScheduledJob*>;
  static void lift(Counters& counters, const std::set<std::string>& present, std::set<std::string>& known);
  static Jobs of_next(const Jobs& jobs, std::string (*key)(const ScheduledJob&), const Counters& done,
                      const Counters& begun);
  const ScheduledJob* next(const Jobs& waiting, const Room& room) const;

  Counters workspaces_, projects_;  // a project by "workspace\nproject"
  std::set<std::string> present_workspaces_, present_projects_;
};

}  // namespace maru::platform
