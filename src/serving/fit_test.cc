#include "serving/fit.h"

#include <gtest/gtest.h>

#include "base/request_failure.h"

namespace maru::serving {
namespace {

constexpr RequestLimits kLimits{.max_context = 10};

infer::GenerationRequest prompt_of(size_t tokens) {
  infer::GenerationRequest generation;
  generation.prompt.assign(tokens, 1);
  return generation;
}

TEST(Fit, GivesAnAnswerTheRoomThatIsLeft) {
  struct Case {
    size_t prompt;
    std::optional<int64_t> wanted;
    int64_t got;
    bool said;
  };
  const Case cases[] = {{4, {}, 6, false}, {4, 6, 6, false},  {4, 7, 6, true},
                        {4, 0, 0, false},  {10, 0, 0, false}, {9, 1'000'000'000, 1, true}};
  for (const Case& c : cases) {
    infer::GenerationRequest generation = prompt_of(c.prompt);
    std::vector<std::string> warnings;
    fit(generation, c.wanted, kLimits, "messages", warnings);
    EXPECT_EQ(c.got, generation.max_tokens) << c.prompt;
    EXPECT_EQ(c.said, !warnings.empty()) << c.prompt;
  }
}

TEST(Fit, RefusesAPromptWithoutRoomByTheClientsNameOfIt) {
  for (const size_t tokens : {10, 11, 1000}) {
    infer::GenerationRequest generation = prompt_of(tokens);
    std::vector<std::string> warnings;
    try {
      fit(generation, {}, kLimits, "prompt", warnings);
      ADD_FAILURE() << tokens;
    } catch (const RequestFailure& failure) {
      EXPECT_EQ("context_length_exceeded", failure.word());
      EXPECT_EQ("prompt", failure.field());
    }
  }
}

TEST(CheckStop, HasOneToManyBytes) {
  check_stop("a", "stop");
  check_stop(std::string(kMaxStopBytes, 'a'), "stop");
  EXPECT_THROW(check_stop("", "stop"), RequestFailure);
  EXPECT_THROW(check_stop(std::string(kMaxStopBytes + 1, 'a'), "stop"), RequestFailure);
}

}  // namespace
}  // namespace maru::serving
