// Starting the process that does a job, and looking at it.
//
// A worker is a session of its own with nothing of the server's but a few words of its environment: no file
// descriptors, no terminal, no secrets. What it and the system say goes to the job's log. It goes on when its parent
// ends; so that another one finds it, the lock on its directory is handed on to it while it starts, and held until it
// ends.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "platform/process_identity.h"

namespace maru::platform {

/// What a job's process may have.
struct WorkerLimits {
  int64_t threads = 0;       // 0: one per core
  std::vector<int> cores;    // that it may run on; empty: any
  int64_t memory_bytes = 0;  // 0: no limit
  int64_t nice = 0;
};

/// Which program a worker is: `program arguments… DIRECTORY --attempt N …`.
struct WorkerCommand {
  fs::path program;  // empty: none, and nothing can be started
  std::vector<std::string> arguments;
};

/// The descriptor under which a worker inherits the lock on its directory.
inline constexpr int kWorkerLock = 3;

/// Held by the worker of a directory, and until there is one, by who starts it.
class WorkerLock {
 public:
  /// Nothing while somebody holds it. Makes the lock's file.
  ///
  /// Throws   the system's error.
  static std::optional<WorkerLock> try_take(const fs::path& directory);
  /// The one that this process was started with, kept from what it starts in turn; without, as try_take.
  static std::optional<WorkerLock> inherited_or_taken(const fs::path& directory);
  ~WorkerLock();
  WorkerLock(WorkerLock&& other) noexcept;
  WorkerLock& operator=(WorkerLock&&) = delete;
  int descriptor() const { return fd_; }

 private:
  explicit WorkerLock(int fd) : fd_(fd) {}
  int fd_;
};

/// Starts one; it holds the lock from now on too. The process's id.
///
/// Throws   the system's error.
int64_t start_worker(const WorkerCommand& command, const fs::path& directory, int64_t attempt,
                     const WorkerLimits& limits, const WorkerLock& lock);

/// What a worker does to itself first. What the system refuses is left as it is: a job that has more is one still.
void limit_this_process(const WorkerLimits& limits);

/// How a child of this process ended: "was ended by SIGKILL (9)", "ended with exit code 5". It stays to be waited for.
/// Nothing: it runs, or is no child of this process.
std::optional<std::string> end_of_child(int64_t pid);
/// Takes the dead child's entry out of the system's table.
void reap_child(int64_t pid);

/// "0-2,5" and back. Nothing for what is no such list.
std::string render_cores(const std::vector<int>& cores);
std::optional<std::vector<int>> parse_cores(std::string_view text);
/// That this process may run on.
std::vector<int> usable_cores();

}  // namespace maru::platform
