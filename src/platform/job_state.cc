#include "platform/job_state.h"

namespace maru::platform {
namespace {

using enum JobState;

constexpr uint16_t bit(JobState state) { return static_cast<uint16_t>(1u << static_cast<unsigned>(state)); }

template <class... States>
constexpr uint16_t any_of(States... states) {
  return static_cast<uint16_t>((0u | ... | bit(states)));
}

struct Row {
  std::string_view name;
  uint16_t next;
};

// In the order of the enumeration. NVIDIA's service lists the same but for `resuming`, of which it says nothing: a job
// that is in the queue again may become what one may that is in it for the first time.
constexpr std::array<Row, kJobStates.size()> kRows{{
    {"created", any_of(kPending, kActive, kCancelling, kCancelled, kPausing, kPaused, kError)},
    {"pending", any_of(kActive, kCancelling, kCancelled, kPausing, kPaused, kError, kCompleted)},
    {"active", any_of(kCompleted, kError, kCancelling, kCancelled, kPausing, kPaused)},
    {"paused", any_of(kResuming, kActive, kCancelling)},
    {"pausing", any_of(kPaused, kError)},
    {"resuming", any_of(kActive, kCancelling, kCancelled, kPausing, kPaused, kError)},
    {"cancelling", any_of(kCancelled, kError)},
    {"cancelled", 0},
    {"error", 0},
    {"completed", 0},
}};

const Row& row(JobState state) { return kRows[static_cast<size_t>(state)]; }

}  // namespace

std::string_view name_of(JobState state) { return row(state).name; }

std::optional<JobState> job_state_named(std::string_view name) {
  for (const JobState state : kJobStates)
    if (name_of(state) == name) return state;
  return std::nullopt;
}

bool may_become(JobState from, JobState to) { return (row(from).next & bit(to)) != 0; }

bool is_final(JobState state) { return row(state).next == 0; }

bool is_waiting(JobState state) { return (bit(state) & any_of(kCreated, kPending, kResuming)) != 0; }

bool has_worker(JobState state) { return (bit(state) & any_of(kActive, kPausing, kCancelling)) != 0; }

}  // namespace maru::platform
