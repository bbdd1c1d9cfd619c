// Processes of this machine, told apart also when their ids come again.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "base/fields.h"

namespace maru::platform {

/// Two processes of one id differ in when they started; two that started at the same time after a boot, in the boot.
struct ProcessIdentity {
  int64_t pid = 0;
  int64_t start_ticks = 0;  // since the boot
  std::string boot_id;
  bool operator==(const ProcessIdentity&) const = default;
  static constexpr auto fields() {
    using P = ProcessIdentity;
    return std::tuple{field("pid", &P::pid, "its number"),
                      field("start_ticks", &P::start_ticks, "when it started, in ticks since the boot"),
                      field("boot_id", &P::boot_id, "of the kernel")};
  }
};

/// Nothing where none of this id runs: one that has ended and is not yet waited for does not.
std::optional<ProcessIdentity> identity_of(int64_t pid);
bool lives(const ProcessIdentity& process);
/// Ticks that it has computed, all of its threads; 0 when it runs no more.
int64_t cpu_ticks_of(const ProcessIdentity& process);

/// Sends it to the process and all others of its group, which it leads. Nobody gets it when the process is another by
/// now. One that has ended may have left others: they are reached, too.
void signal_group(const ProcessIdentity& leader, int signal);

}  // namespace maru::platform
