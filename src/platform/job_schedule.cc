#include "platform/job_schedule.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/progress.h"

namespace maru::platform {
namespace {

// A job that has just begun counts as if it had run this long, so that others are next although nothing is charged yet.
constexpr double kBegunSeconds = 60;

std::string project_key(const ScheduledJob& job) { return job.workspace + "\n" + job.project; }

double at(const std::map<std::string, double>& counters, const std::string& key) {
  const auto found = counters.find(key);
  return found == counters.end() ? 0 : found->second;
}

/// Projects take turns within their workspace, workspaces with all others.
std::string group_of(const std::string& key) { return key.substr(0, key.find('\n') + 1); }  // npos + 1 is 0

}  // namespace

struct JobSchedule::Room {
  JobCapacity capacity;
  int64_t cores = 0, memory_bytes = 0, heavy = 0;  // that are taken
  Counters workspaces, projects;                   // begun work

  int64_t cores_of(const ScheduledJob& job) const {
    return job.demand.cores == 0 ? capacity.cores : std::min(job.demand.cores, capacity.cores);
  }
  void take(const ScheduledJob& job) {
    cores += cores_of(job);
    memory_bytes += job.demand.memory_bytes;
    heavy += job.demand.heavy ? 1 : 0;
    const double begun = kBegunSeconds * static_cast<double>(cores_of(job));
    workspaces[job.workspace] += begun;
    projects[project_key(job)] += begun;
  }
  bool waits_for_heavy(const ScheduledJob& job) const { return job.demand.heavy && heavy >= capacity.heavy; }
  /// Why it does not fit now; empty: it does. One that asks for more memory than there is runs alone.
  std::string obstacle(const ScheduledJob& job) const {
    if (waits_for_heavy(job))
      return fmt::format("waits: {} heavy job{} at a time, as this server is set", capacity.heavy,
                         capacity.heavy == 1 ? "" : "s");
    if (cores + cores_of(job) > capacity.cores)
      return fmt::format("waits for {} of the {} cores that jobs may have; {} are in use", cores_of(job),
                         capacity.cores, cores);
    if (memory_bytes > 0 && memory_bytes + job.demand.memory_bytes > capacity.memory_bytes)
      return fmt::format("waits for {} of the {} that jobs may have; {} are in use",
                         short_bytes(static_cast<double>(job.demand.memory_bytes)),
                         short_bytes(static_cast<double>(capacity.memory_bytes)),
                         short_bytes(static_cast<double>(memory_bytes)));
    return "";
  }
};

void JobSchedule::charge(const std::string& workspace, const std::string& project, double core_seconds) {
  workspaces_[workspace] += core_seconds;
  projects_[workspace + "\n" + project] += core_seconds;
}

void JobSchedule::lift(Counters& counters, const std::set<std::string>& present, std::set<std::string>& known) {
  Counters least;  // of those that were there before, by what they share
  for (const std::string& one : present) {
    if (!known.contains(one)) continue;
    const auto [group, first] = least.emplace(group_of(one), at(counters, one));
    if (!first) group->second = std::min(group->second, at(counters, one));
  }
  for (const std::string& one : present)
    if (!known.contains(one)) counters[one] = std::max(at(counters, one), at(least, group_of(one)));
  known = present;
}

// Of jobs in the order in which they came: those of the one, workspace or project, whose turn it is.
JobSchedule::Jobs JobSchedule::of_next(const Jobs& jobs, std::string (*key)(const ScheduledJob&), const Counters& done,
                                       const Counters& begun) {
  std::string next;
  double least = 0;
  for (const ScheduledJob* job : jobs) {  // who came first is first among equals
    const double served = at(done, key(*job)) + at(begun, key(*job));
    if (job == jobs.front() || served < least) next = key(*job), least = served;
  }
  Jobs its;
  for (const ScheduledJob* job : jobs)
    if (key(*job) == next) its.push_back(job);
  return its;
}

const ScheduledJob* JobSchedule::next(const Jobs& waiting, const Room& room) const {
  const auto workspace = [](const ScheduledJob& job) { return job.workspace; };
  const Jobs its = of_next(waiting, workspace, workspaces_, room.workspaces);
  const Jobs of_project = of_next(its, project_key, projects_, room.projects);
  return of_project.empty() ? nullptr : of_project.front();
}

SchedulePlan JobSchedule::plan(const std::vector<ScheduledJob>& running, const std::vector<ScheduledJob>& waiting,
                               const JobCapacity& capacity) {
  std::set<std::string> workspaces, projects;
  for (const auto* list : {&running, &waiting})
    for (const ScheduledJob& job : *list) workspaces.insert(job.workspace), projects.insert(project_key(job));
  lift(workspaces_, workspaces, present_workspaces_);
  lift(projects_, projects, present_projects_);
  Room room{.capacity = capacity};
  for (const ScheduledJob& job : running) room.take(job);
  Jobs left;
  for (const ScheduledJob& job : waiting) left.push_back(&job);
  std::ranges::sort(left, {}, &ScheduledJob::number);
  SchedulePlan plan;
  std::string held_back;  // empty: whoever is next and fits starts
  while (const ScheduledJob* job = next(left, room)) {
    std::erase(left, job);
    const std::string obstacle = room.obstacle(*job);
    if (obstacle.empty() && held_back.empty()) {
      plan.start.push_back(job->number);
      room.take(*job);
      continue;
    }
    plan.waits[job->number] = obstacle.empty() ? held_back : obstacle;
    if (held_back.empty() && !room.waits_for_heavy(*job))
      held_back = "waits for its turn behind a job that wants more cores or memory than are free";
  }
  return plan;
}

}  // namespace maru::platform
