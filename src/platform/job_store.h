// The jobs of a home in its database: who may change what a job is, and how. What a worker leaves is in files
// (job_files.h); nothing here starts or stops one.
//
// Every change of a state is one conditional update: of two who change it at once, in this process or another, one
// does.
#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "platform/home_database.h"
#include "platform/job_record.h"

namespace maru::platform {

/// Which jobs; empty fields: all.
struct JobQuery {
  std::string workspace, project, stage;
  std::optional<JobState> state;
  int64_t skip = 0, limit = 100;
};

struct JobPage {
  std::vector<Job> jobs;  // the newest first
  int64_t total = 0;      // of all pages
};

/// Work of one workspace, and of one project in it, that was done lately.
struct DoneWork {
  std::string workspace, project;
  double core_seconds = 0;
};

/// Thread-safe. Who asks for a job that is not there gets a RequestFailure (kNotFound) with the field "job".
class JobStore {
 public:
  /// The home must outlive it. Nothing is made there before there is a job.
  explicit JobStore(HomeDatabase& home) : home_(home) {}
  const fs::path& folder() const { return home_.folder(); }
  /// Where a job's files lie.
  fs::path directory_of(const std::string& id) const { return jobs_folder() / id; }
  fs::path jobs_folder() const { return folder() / "jobs"; }
  /// Called after each change that somebody who runs jobs should look at, from any thread.
  void on_change(std::function<void()> told);

  /// Throws   kExists for a name that another job of the workspace has, and an output that another job will make;
  ///          kInvalidArgument for a name that is none.
  Job create(const NewJob& job);
  Job find(const std::string& id);
  JobPage list(const JobQuery& query);
  std::vector<Attempt> attempts(const Job& job);
  std::vector<JobEvent> events(const Job& job);

  /// What people want of a job. Each is done already when the job is so, or on its way there.
  ///
  /// Throws   kExists with the word "conflict" when its state does not allow it.
  Job cancel(const std::string& id, const std::string& by);
  Job pause(const std::string& id, const std::string& by);
  Job resume(const std::string& id, const std::string& by);
  /// With its files, those of its results that lie among them too. Throws   likewise, of one that has not ended.
  void remove(const std::string& id, const std::string& by);

  // For who runs jobs.

  /// All that have not ended, the oldest first; none where there never were jobs.
  std::vector<Job> unfinished();
  std::optional<Attempt> last_attempt(const Job& job);
  /// Of the attempts that ended since then (UTC as the database writes it).
  std::vector<DoneWork> done_since(const std::string& time);
  /// From the state that `job` has to another; false: it has another by now. CHECKs that it may.
  bool move(const Job& job, JobState to, const std::string& reason);
  /// What it waits for; the state stays. False: as above.
  bool explain(const Job& job, const std::string& reason);
  /// Makes a job that waits active and gives it another attempt; of one that is active, the attempt alone. Its number;
  /// 0: as above.
  int64_t begin_attempt(const Job& job, const std::string& reason);
  void name_worker(const Job& job, int64_t attempt, const ProcessIdentity& worker);
  /// How an attempt ended: what came of it, and which state that means for the job.
  struct Ending {
    int64_t attempt = 0;
    std::string outcome, reason;
    std::string exit_record;  // as the worker left it; empty: it left none
    double core_seconds = 0;
    std::optional<JobState> state;  // that the job has now; nothing: the same, another attempt follows
    std::string results = "[]";     // a list in JSON
  };
  /// Both at once. False: as above, or the attempt had ended already.
  bool end_attempt(const Job& job, const Ending& ending);

 private:
  Database& database() { return home_.reach(); }
  bool exists() { return home_.if_there() != nullptr; }
  void changed();
  Job change(const std::string& id, const char* what, const char* verb, const std::string& by, JobState steady,
             const std::function<std::vector<JobState>(JobState)>& path);

  HomeDatabase& home_;
  std::mutex mutex_;  // guards what follows
  std::function<void()> told_;
};

/// Throws   RequestFailure (kNotFound).
[[noreturn]] void no_such_job(const std::string& id);

/// As the database writes times.
std::string job_time(double seconds_ago = 0);

}  // namespace maru::platform
