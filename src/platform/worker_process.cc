#include "platform/worker_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <utility>

#include "base/error.h"
#include "base/system_error.h"
#include "platform/job_files.h"

namespace maru::platform {
namespace {

constexpr const char* kLockFile = ".worker.lock";
// Whatever else stands in a server's environment may be a secret.
constexpr std::array kKeptVariables{"PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "MARU_ISA", "LD_LIBRARY_PATH"};
constexpr int kMaxCore = CPU_SETSIZE;

bool is_kept(std::string_view entry) {
  const std::string_view name = entry.substr(0, entry.find('='));
  return name.starts_with("LC_") || std::ranges::find(kKeptVariables, name) != kKeptVariables.end();
}

std::vector<std::string> kept_environment() {
  std::vector<std::string> kept;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
    if (is_kept(*entry)) kept.emplace_back(*entry);
  return kept;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> all;
  for (std::string& word : words) all.push_back(word.data());
  all.push_back(nullptr);
  return all;
}

std::vector<std::string> words_of(const WorkerCommand& command, const fs::path& directory, int64_t attempt,
                                  const WorkerLimits& limits) {
  std::vector<std::string> words{command.program.string()};
  words.insert(words.end(), command.arguments.begin(), command.arguments.end());
  words.push_back(directory.string());
  const auto add = [&](const char* option, const std::string& value) {
    words.emplace_back(option);
    words.push_back(value);
  };
  add("--attempt", std::to_string(attempt));
  if (limits.threads > 0) add("--threads", std::to_string(limits.threads));
  if (!limits.cores.empty()) add("--cores", render_cores(limits.cores));
  if (limits.memory_bytes > 0) add("--memory-bytes", std::to_string(limits.memory_bytes));
  if (limits.nice != 0) add("--nice", std::to_string(limits.nice));
  return words;
}

/// What posix_spawn is told, in an object that frees it.
class SpawnPlan {
 public:
  SpawnPlan() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
  }
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

void plan_descriptors(SpawnPlan& plan, const fs::path& log, int lock) {
  ::posix_spawn_file_actions_addopen(&plan.actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&plan.actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0644);
  ::posix_spawn_file_actions_adddup2(&plan.actions, 1, 2);
  ::posix_spawn_file_actions_adddup2(&plan.actions, lock, kWorkerLock);
  ::posix_spawn_file_actions_addclosefrom_np(&plan.actions, kWorkerLock + 1);
}

// A server may have signals blocked or ignored in the thread that starts it.
void plan_signals(SpawnPlan& plan) {
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&plan.attributes, &none);
  ::posix_spawnattr_setsigdefault(&plan.attributes, &all);
  ::posix_spawnattr_setflags(&plan.attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

const char* name_of_signal(int number) {
  const char* name = ::sigabbrev_np(number);
  return name != nullptr ? name : "?";
}

}  // namespace

std::optional<WorkerLock> WorkerLock::try_take(const fs::path& directory) {
  const fs::path file = directory / kLockFile;
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (fd < 0) throw Failure(system_error(file, "create", errno));
  WorkerLock lock(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK) throw Failure(system_error(file, "lock", errno));
  return std::nullopt;
}

std::optional<WorkerLock> WorkerLock::inherited_or_taken(const fs::path& directory) {
  struct stat given {
  }, wanted{};
  const bool inherited = ::fstat(kWorkerLock, &given) == 0 && ::stat((directory / kLockFile).c_str(), &wanted) == 0 &&
                         given.st_dev == wanted.st_dev && given.st_ino == wanted.st_ino;
  if (!inherited) return try_take(directory);
  ::fcntl(kWorkerLock, F_SETFD, FD_CLOEXEC);
  return WorkerLock(kWorkerLock);
}

WorkerLock::WorkerLock(WorkerLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

WorkerLock::~WorkerLock() {
  if (fd_ >= 0) ::close(fd_);
}

int64_t start_worker(const WorkerCommand& command, const fs::path& directory, int64_t attempt,
                     const WorkerLimits& limits, const WorkerLock& lock) {
  SpawnPlan plan;
  const fs::path log = directory / kLogFile;
  plan_descriptors(plan, log, lock.descriptor());
  plan_signals(plan);
  std::vector<std::string> words = words_of(command, directory, attempt, limits), environment = kept_environment();
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, command.program.c_str(), &plan.actions, &plan.attributes,
                                  pointers(words).data(), pointers(environment).data());
  if (error != 0) throw Failure(system_error(command.program, "start", error));
  return pid;
}

void limit_this_process(const WorkerLimits& limits) {
  if (limits.nice > 0) (void)::setpriority(PRIO_PROCESS, 0, static_cast<int>(limits.nice));
  if (!limits.cores.empty()) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const int core : limits.cores) CPU_SET(core, &set);
    (void)::sched_setaffinity(0, sizeof set, &set);
  }
  if (limits.memory_bytes > 0) {
    // What is allocated, threads' stacks included; files that are mapped do not count: the system can drop them.
    const rlimit limit{static_cast<rlim_t>(limits.memory_bytes), static_cast<rlim_t>(limits.memory_bytes)};
    (void)::setrlimit(RLIMIT_DATA, &limit);
  }
  // Where the machine has no memory left, this goes before the server does.
  std::ofstream("/proc/self/oom_score_adj") << 500;
}

std::optional<std::string> end_of_child(int64_t pid) {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
    return std::nullopt;
  if (info.si_code == CLD_EXITED) return fmt::format("ended with exit code {}", info.si_status);
  return fmt::format("was ended by SIG{} ({})", name_of_signal(info.si_status), info.si_status);
}

void reap_child(int64_t pid) { (void)::waitpid(static_cast<pid_t>(pid), nullptr, WNOHANG); }

std::string render_cores(const std::vector<int>& cores) {
  std::string text;
  for (size_t i = 0; i < cores.size();) {
    size_t end = i + 1;
    while (end < cores.size() && cores[end] == cores[end - 1] + 1) ++end;
    text += (text.empty() ? "" : ",") + std::to_string(cores[i]);
    if (end > i + 1) text += "-" + std::to_string(cores[end - 1]);
    i = end;
  }
  return text;
}

std::optional<std::vector<int>> parse_cores(std::string_view text) {
  std::vector<int> cores;
  const auto number = [&](std::string_view digits) {
    int value = -1;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc() && end == digits.data() + digits.size() && value < kMaxCore ? value : -1;
  };
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    const size_t dash = part.find('-');
    const int first = number(part.substr(0, dash)), last = dash == part.npos ? first : number(part.substr(dash + 1));
    if (first < 0 || last < first) return std::nullopt;
    for (int core = first; core <= last; ++core) cores.push_back(core);
    text.remove_prefix(std::min(text.size(), part.size() + 1));
  }
  return cores.empty() ? std::nullopt : std::optional(cores);
}

std::vector<int> usable_cores() {
  cpu_set_t set;
  std::vector<int> cores;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return {0};
  for (int core = 0; core < kMaxCore; ++core)
    if (CPU_ISSET(core, &set)) cores.push_back(core);
  return cores;
}

}  // namespace maru::platform
