#include "base/cancel.h"

#include <gtest/gtest.h>

#include <csignal>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/watch.h"

namespace maru {
namespace {

TEST(CancelTest, OneOfSeveralIsStoppedAndSaysWhy) {
  CancelToken one("stopped"), other;
  EXPECT_FALSE(one.cancel());
  EXPECT_TRUE(one.cancel()) << "a second time";
  const Watch first{.cancel = &one}, second{.cancel = &other}, nobody;
  EXPECT_TRUE(first.cancelled());
  EXPECT_FALSE(second.cancelled());
  EXPECT_FALSE(nobody.cancelled());
  EXPECT_NO_THROW(second.throw_if_cancelled());
  EXPECT_NO_THROW(nobody.throw_if_cancelled());
  try {
    first.throw_if_cancelled();
    FAIL() << "expected a Failure";
  } catch (const Failure& e) {
    EXPECT_EQ(ErrorCode::kCancelled, e.code());
    EXPECT_STREQ("stopped", e.what());
  }
  one.reset();
  EXPECT_FALSE(first.cancelled());
}

TEST(CancelTest, ASignalCancelsTheTokenOfTheProcessAlone) {
  CancelToken other;
  install_interrupt_handler();
  EXPECT_FALSE(interrupted());
  std::raise(SIGTERM);
  EXPECT_TRUE(interrupted());
  EXPECT_FALSE(other.cancelled());
  EXPECT_THROW(throw_if_interrupted(), Failure);
  interrupt_token().reset();
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGINT, SIG_DFL);
}

}  // namespace
}  // namespace maru
