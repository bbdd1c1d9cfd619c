#include "cli/terminal.h"

#include <gtest/gtest.h>

namespace maru::cli {
namespace {

using std::chrono::milliseconds;

TEST(TerminalTest, WithoutATerminalALineIsDueByTimeAndByPart) {
  struct Case {
    int since_last_ms;
    double part;
    bool due;
  };
  for (const Case& c : {Case{0, 0, false}, Case{4999, 1, false}, Case{5000, 0.049, false}, Case{5000, 0.05, true},
                        Case{29999, 0, false}, Case{30000, 0, true}, Case{3600000, 0.001, true}})
    EXPECT_EQ(c.due, progress_line_due(milliseconds(c.since_last_ms), c.part)) << c.since_last_ms << " ms, " << c.part;
}

// Ten minutes of training, in steps of a tenth of a second or of seven seconds: about twenty lines either way.
TEST(TerminalTest, LinesDoNotFollowSteps) {
  for (const double step_seconds : {0.1, 1.0, 7.0}) {
    const double total = 600;
    double last = 0;
    int lines = 0;
    for (double now = 0; now <= total; now += step_seconds)
      if (progress_line_due(milliseconds(static_cast<int64_t>(1000 * (now - last))), (now - last) / total))
        last = now, ++lines;
    EXPECT_LE(lines, 20) << step_seconds;
    EXPECT_GE(lines, 15) << step_seconds;
  }
}

TEST(TerminalTest, QuietItDrawsNothing) {
  Terminal terminal(/*quiet=*/true);
  testing::internal::CaptureStderr();
  {
    const auto line = terminal.begin("read", 2, "files");
    line->update(1);
    line->note("slow");
    terminal.inform("unsaid");
  }
  EXPECT_EQ("", testing::internal::GetCapturedStderr());
}

}  // namespace
}  // namespace maru::cli
