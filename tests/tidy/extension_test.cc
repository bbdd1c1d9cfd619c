// What the made-up extensions of tests/extension are known by: one line of a list each, and nothing else. And what the
// HOWTOs print as a diff is what stands in the files that they name.
#include <gtest/gtest.h>

#include <algorithm>

#include "tidy/sources.h"

namespace maru::tidy {
namespace {

struct Extension {
  std::vector<std::string> names;  // words that are its own
  std::string list;                // where its line stands
  std::string line;                // a part of it
};
const std::vector<Extension>& extensions() {
  static const std::vector<Extension> kAll{
      {{"kOdd"}, "tests/extension/one_file_test.cc", "&families::kOdd"},
      {{"relu_squared", "ReluSquared"}, "tests/extension/op/CMakeLists.txt", "relu_squared"},
      {{"add_tokens"}, "tests/extension/verb/CMakeLists.txt", "tokens"},
      {{"WordsRequest", "/v1/maru/words"}, "tests/extension/route_test.cc", "router.add("},
      {{"telegraph", "Telegram"}, "tests/extension/dialect/dialect_test.cc", "telegraph::add_routes"}};
  return kAll;
}

int64_t lines_with(const Source& source, const std::string& part) {
  return std::count_if(source.lines.begin(), source.lines.end(),
                       [&](const std::string& line) { return line.find(part) != std::string::npos; });
}

TEST(Extensions, AreNamedByNothingOfTheProgram) {
  int sources = 0;
  for (const char* root : {"src", "cmake", "bench", "tools"})
    for (const Source& s : sources_below(root, {".cc", ".h", ".txt", ".cmake"})) {
      if (is_test(s.path)) continue;
      ++sources;
      for (const Extension& e : extensions())
        for (const std::string& name : e.names) EXPECT_EQ(0, lines_with(s, name)) << s.path << " names " << name;
    }
  EXPECT_GT(sources, 500);
}

TEST(Extensions, TakeOneLineOfAList) {
  for (const Extension& e : extensions()) {
    const std::vector<Source> list = sources_below(e.list, {".cc", ".txt"});
    ASSERT_EQ(1u, list.size()) << e.list;
    EXPECT_EQ(1, lines_with(list[0], e.line)) << e.list << ": " << e.line;
  }
}

std::string without_indent(const std::string& line) {
  return line.substr(std::min(line.size(), line.find_first_not_of(' ')));
}

/// Lines that one diff of a page adds to one file.
struct Addition {
  std::string page, path;
  std::vector<std::string> lines;
};

std::vector<Addition> additions_of(const Source& page) {
  std::vector<Addition> all;
  bool in_diff = false;
  for (const std::string& line : page.lines) {
    if (line.starts_with("```")) in_diff = line == "```diff";
    if (!in_diff) continue;
    if (line.starts_with("--- ")) all.push_back({page.path, line.substr(4), {}});
    if (line.starts_with("+") && !all.empty()) all.back().lines.push_back(without_indent(line.substr(1)));
  }
  return all;
}

// In this order, whatever stands between them.
void expect_in_file(const Addition& addition) {
  const std::vector<Source> files = sources_below(addition.path, {".cc", ".h", ".txt"});
  ASSERT_EQ(1u, files.size()) << addition.page << " adds to " << addition.path << ", which is no file";
  auto at = files[0].lines.begin();
  const auto end = files[0].lines.end();
  for (const std::string& line : addition.lines) {
    at = std::find_if(at, end, [&](const std::string& there) { return without_indent(there) == line; });
    ASSERT_NE(end, at) << addition.page << " adds to " << addition.path << ": " << line;
    ++at;
  }
}

TEST(Howtos, AddWhatStandsInTheFiles) {
  size_t additions = 0;
  for (const Source& page : sources_below("docs", {".md"})) {
    if (!page.path.starts_with("docs/HOWTO-")) continue;
    for (const Addition& addition : additions_of(page)) {
      expect_in_file(addition);
      ++additions;
    }
  }
  EXPECT_GE(additions, 11u);
}

}  // namespace
}  // namespace maru::tidy
