#include "base/progress.h"

#include <gmock/gmock.h>

#include "base/test_watch.h"

namespace maru {
namespace {

using testing::ElementsAre;

TEST(ProgressTest, GoesToTheSinkOfTheWatch) {
  SinkOfLines sink;
  {
    Progress progress({.sink = &sink}, "read", 10, "files");
    progress.add(3);
    progress.note("slow");
    progress.add(4);
  }
  EXPECT_THAT(sink.lines, ElementsAre("begin read 10 files", "read 3", "read: slow", "read 7", "end read"));
}

TEST(ProgressTest, OfSeveralLinesEachEndsAlone) {
  SinkOfLines sink;
  Progress whole({.sink = &sink}, "whole", 2, "parts");
  Progress part({.sink = &sink}, "part", 0, "bytes");
  part.finish();
  whole.update(1);
  EXPECT_THAT(sink.lines, ElementsAre("begin whole 2 parts", "begin part 0 bytes", "end part", "whole 1"));
}

TEST(ProgressTest, NobodyNeedsToLook) {
  Progress progress({}, "read", 10, "files");
  progress.add(1);
  progress.note("unseen");
  progress.finish();
}

TEST(ProgressTest, ShortCounts) {
  EXPECT_EQ("999", short_count(999));
  EXPECT_EQ("1.23 M", short_count(1.234e6));
  EXPECT_EQ("2 h 05 m", short_time(7500));
}

}  // namespace
}  // namespace maru
