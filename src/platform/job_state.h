// What a job may be, and what it may become: the states of NeMo's job platform. Pure.
//
//   created     nobody has taken charge of it          pending    in the queue
//   active      a worker has it                        paused     stopped, to go on when somebody says so
//   pausing     the worker has been asked to stop      resuming   in the queue again
//   cancelling  likewise, for good                     cancelled, error, completed    ended
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace maru::platform {

enum class JobState : uint8_t {
  kCreated,
  kPending,
  kActive,
  kPaused,
  kPausing,
  kResuming,
  kCancelling,
  kCancelled,
  kError,
  kCompleted
};

inline constexpr std::array kJobStates{
    JobState::kCreated,  JobState::kPending,    JobState::kActive,    JobState::kPaused, JobState::kPausing,
    JobState::kResuming, JobState::kCancelling, JobState::kCancelled, JobState::kError,  JobState::kCompleted};

/// "created", "pending", …
std::string_view name_of(JobState state);
std::optional<JobState> job_state_named(std::string_view name);

/// Whether a job may go from one to the other. None goes back: what was active is never pending again, and what has
/// ended stays as it is.
bool may_become(JobState from, JobState to);

/// It has ended.
bool is_final(JobState state);
/// It wants to be started.
bool is_waiting(JobState state);
/// A worker has it, or had it when it was last looked at.
bool has_worker(JobState state);

}  // namespace maru::platform
