#include "platform/process_identity.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <vector>

namespace maru::platform {
namespace {

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// What proc(5) lists in /proc/PID/stat behind the name, which may hold spaces and brackets itself.
struct Stat {
  char state = 0;
  int64_t user_ticks = 0, system_ticks = 0, start_ticks = 0;
};

std::optional<Stat> stat_of(int64_t pid) {
  const std::string line = first_line("/proc/" + std::to_string(pid) + "/stat");
  const size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream rest(line.substr(name_end + 1));
  Stat stat;
  rest >> stat.state;
  std::vector<int64_t> numbers(19);  // fields 4 to 22
  for (int64_t& number : numbers) rest >> number;
  if (!rest) return std::nullopt;
  stat.user_ticks = numbers[14 - 4], stat.system_ticks = numbers[15 - 4], stat.start_ticks = numbers[22 - 4];
  return stat;
}

std::string boot_id() { return first_line("/proc/sys/kernel/random/boot_id"); }

bool has_ended(const Stat& stat) { return stat.state == 'Z' || stat.state == 'X'; }

}  // namespace

std::optional<ProcessIdentity> identity_of(int64_t pid) {
  const std::optional<Stat> stat = pid > 0 ? stat_of(pid) : std::nullopt;
  if (!stat || has_ended(*stat)) return std::nullopt;
  return ProcessIdentity{pid, stat->start_ticks, boot_id()};
}

bool lives(const ProcessIdentity& process) { return identity_of(process.pid) == process; }

int64_t cpu_ticks_of(const ProcessIdentity& process) {
  const std::optional<Stat> stat = lives(process) ? stat_of(process.pid) : std::nullopt;
  return stat ? stat->user_ticks + stat->system_ticks : 0;
}

void signal_group(const ProcessIdentity& leader, int signal) {
  if (leader.pid <= 1 || leader.boot_id != boot_id()) return;
  // A group's number is nobody else's process while the group has members; who has it now is the leader, or nobody.
  const std::optional<Stat> stat = stat_of(leader.pid);
  if (stat && stat->start_ticks != leader.start_ticks) return;
  ::kill(static_cast<pid_t>(-leader.pid), signal);
}

}  // namespace maru::platform
