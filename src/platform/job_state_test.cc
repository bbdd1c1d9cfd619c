#include "platform/job_state.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

namespace maru::platform {
namespace {

std::set<std::string> next_of(JobState from) {
  std::set<std::string> names;
  for (const JobState to : kJobStates)
    if (may_become(from, to)) names.insert(std::string(name_of(to)));
  return names;
}

TEST(JobStates, BecomeWhatNemosJobsBecome) {
  const std::map<std::string, std::set<std::string>> expected{
      {"created", {"pending", "active", "cancelling", "cancelled", "pausing", "paused", "error"}},
      {"pending", {"active", "cancelling", "cancelled", "pausing", "paused", "error", "completed"}},
      {"active", {"completed", "error", "cancelling", "cancelled", "pausing", "paused"}},
      {"paused", {"resuming", "active", "cancelling"}},
      {"pausing", {"paused", "error"}},
      {"resuming", {"active", "cancelling", "cancelled", "pausing", "paused", "error"}},
      {"cancelling", {"cancelled", "error"}},
      {"cancelled", {}},
      {"error", {}},
      {"completed", {}}};
  for (const JobState from : kJobStates) EXPECT_EQ(expected.at(std::string(name_of(from))), next_of(from));
  EXPECT_EQ(expected.size(), kJobStates.size());
}

TEST(JobStates, AreOneOfFourKinds) {
  for (const JobState state : kJobStates) {
    EXPECT_EQ(state, job_state_named(name_of(state)));
    EXPECT_FALSE(may_become(state, state));
    EXPECT_EQ(next_of(state).empty(), is_final(state));
    EXPECT_EQ(1, is_final(state) + is_waiting(state) + has_worker(state) + (state == JobState::kPaused));
    EXPECT_FALSE(has_worker(state) && may_become(state, JobState::kPending)) << "no way back";
  }
  EXPECT_FALSE(job_state_named("running"));
  EXPECT_FALSE(job_state_named(""));
}

}  // namespace
}  // namespace maru::platform
