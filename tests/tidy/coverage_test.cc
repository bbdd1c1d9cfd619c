// How much of the program has tests beside it. The figures may only get better.
#include <gtest/gtest.h>

#include "tidy/sources.h"

namespace maru::tidy {
namespace {

/// Of 1,000 sources of src/, those without an x_test.cc beside them; most are tested by the test of what uses them.
constexpr int kWithoutTestPerThousand = 705;
/// Lines of test for 1,000 lines of source in src/.
constexpr int64_t kTestLinesPerThousand = 328;

TEST(Coverage, SourcesHaveATestBesideThem) {
  std::set<std::string> paths;
  for (const Source& s : program()) paths.insert(s.path);
  int without = 0, sources = 0;
  for (const std::string& path : paths) {
    if (is_test(path) || !path.ends_with(".cc")) continue;
    ++sources;
    without += !paths.contains(path.substr(0, path.size() - 3) + "_test.cc");
  }
  EXPECT_LE(1000 * without / sources, kWithoutTestPerThousand) << "a new source needs an x_test.cc";
  RecordProperty("sources_without_test", without);
}

TEST(Coverage, TestsGrowWithTheProgram) {
  int64_t source = 0, test = 0;
  for (const Source& s : program()) (is_test(s.path) ? test : source) += static_cast<int64_t>(s.lines.size());
  EXPECT_GE(1000 * test / source, kTestLinesPerThousand) << test << " lines of test, " << source << " of source";
}

}  // namespace
}  // namespace maru::tidy
