// Sizes, banned calls and file headers, of the program, its tests, benchmarks, tools and console.
// Exceptions are listed with their reason; the lists may only shrink.
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>

#include "tidy/sources.h"

namespace maru::tidy {
namespace {

constexpr int kMaxFileLines = 500, kMaxFunctionLines = 70, kMaxColumns = 120;
/// Of Python and shell: older than the rule for them.
constexpr int kLongLinesOfScripts = 286;
const std::set<std::string> kLongFiles{"console/src/styles/panels.css"};
const std::set<std::string> kLongFunctions{
    "tests/growth/growth_tool.cc: const std::vector<Case>& cases() {"};  // a table

struct Banned {
  const char* pattern;
  const char* instead;
  std::set<std::string> allowed_below;
};
const std::vector<Banned>& banned() {
  static const std::vector<Banned> kBanned{
      {R"((^|[^\w:.])(std::)?printf\s*\()", "spdlog or fmt", {"tests/", "bench/", "tools/"}},
      {R"(std::cout|std::cerr|std::endl)", "spdlog, or Session::answer", {"tests/", "bench/", "tools/"}},
      {R"((^|[^\w])(std::)?s?rand\s*\()", "base/random.h", {}},
      {R"(normal_distribution|uniform_int_distribution|uniform_real_distribution|mt19937)", "base/random.h", {}},
      {R"(getenv\s*\()", "an option passed in by cli", {"src/cli/", "tests/"}},
      {R"(using namespace)", "qualified names", {"tests/fuzz/", "tests/reference/"}},
      {R"(thread_local|#pragma omp)", "state passed in", {}}};
  return kBanned;
}

std::vector<Source> joined(std::initializer_list<std::vector<Source>> lists) {
  std::vector<Source> all;
  for (const std::vector<Source>& list : lists) all.insert(all.end(), list.begin(), list.end());
  return all;
}

/// C++ wherever it stands.
const std::vector<Source>& cpp() {
  static const std::set<std::string> kEndings{".cc", ".h"};
  static const std::vector<Source> kAll = joined({program(), sources_below("tests", kEndings),
                                                  sources_below("bench", kEndings), sources_below("tools", kEndings)});
  return kAll;
}
/// The console, and the tests in its language.
const std::vector<Source>& web() {
  static const std::vector<Source> kAll =
      joined({sources_below("console", {".ts", ".mjs", ".css"}), sources_below("tests", {".ts", ".mjs"})});
  return kAll;
}
/// Python and shell.
const std::vector<Source>& scripts() {
  static const std::set<std::string> kEndings{".py", ".sh", ""};
  static const std::vector<Source> kAll =
      joined({sources_below("tests", kEndings), sources_below("bench", kEndings), sources_below("tools", kEndings)});
  return kAll;
}
const std::vector<Source>& everything() {
  static const std::vector<Source> kAll = joined({cpp(), web(), scripts()});
  return kAll;
}

TEST(Style, FilesAreShort) {
  for (const Source& s : everything()) {
    const bool listed = kLongFiles.contains(s.path);
    EXPECT_EQ(listed, static_cast<int>(s.lines.size()) > kMaxFileLines)
        << s.path << " has " << s.lines.size() << " lines" << (listed ? "; take it off the list" : "");
  }
}

// Braces of a line that are code: opened minus closed, string and character literals and comments left out.
int depth_change(const std::string& line) {
  static const std::regex kNotCode(R"re("(\\.|[^"\\])*"|'(\\.|[^'\\])*'|//.*)re");
  const std::string code = std::regex_replace(line, kNotCode, "");
  return static_cast<int>(std::count(code.begin(), code.end(), '{') - std::count(code.begin(), code.end(), '}'));
}

// A body opens on a line that ends in ") … {" and goes on to the brace that closes it.
TEST(Style, FunctionsAreShort) {
  const std::regex opening(R"(^[^#]*\)[^;={]*\{$)");
  for (const Source& s : cpp()) {
    for (size_t i = 0; i < s.lines.size(); ++i) {
      if (!std::regex_match(s.lines[i], opening)) continue;
      size_t end = i;
      for (int depth = depth_change(s.lines[i]); depth > 0 && end + 1 < s.lines.size();)
        depth += depth_change(s.lines[++end]);
      EXPECT_TRUE(kLongFunctions.contains(s.path + ": " + s.lines[i]) || end - i <= kMaxFunctionLines)
          << s.path << ":" << i + 1 << " is " << end - i << " lines long: " << s.lines[i];
    }
  }
}

bool is_long(const std::string& line) {
  static const std::regex kText(R"re(\s*("[^"]*": )?".*",?)re");  // of the console: one line, as its translations are
  if (line.find("R\"(") != std::string::npos) return false;       // a raw string cannot be broken
  if (std::regex_match(line, kText)) return false;
  return std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xc0) != 0x80; }) > kMaxColumns;
}

TEST(Style, LinesAreShort) {
  for (const auto* list : {&cpp(), &web()})
    for (const Source& s : *list)
      for (size_t i = 0; i < s.lines.size(); ++i) EXPECT_FALSE(is_long(s.lines[i])) << s.path << ":" << i + 1;
  int64_t long_lines = 0;
  for (const Source& s : scripts()) long_lines += std::count_if(s.lines.begin(), s.lines.end(), is_long);
  EXPECT_LE(long_lines, kLongLinesOfScripts) << "lines of Python and shell are at most " << kMaxColumns << " long";
}

TEST(Style, BannedCallsAreAbsent) {
  for (const Banned& rule : banned()) {
    const std::regex pattern(rule.pattern);
    for (const Source& s : cpp()) {
      const auto above = [&](const std::string& folder) { return s.path.starts_with(folder); };
      if ((s.path.starts_with("src/") && is_test(s.path)) || s.path.starts_with("tests/tidy/") ||
          std::any_of(rule.allowed_below.begin(), rule.allowed_below.end(), above))
        continue;
      for (size_t i = 0; i < s.lines.size(); ++i) {
        const std::string code = s.lines[i].substr(0, s.lines[i].find("//"));
        EXPECT_FALSE(std::regex_search(code, pattern))
            << s.path << ":" << i + 1 << ": use " << rule.instead << " in place of: " << s.lines[i];
      }
    }
  }
}

TEST(Style, NothingIsLeftToDo) {
  const std::regex mark(R"((^|[^\w.])(TODO|FIXME|XXX)\b)");
  for (const Source& s : everything()) {
    if (s.path.starts_with("tests/tidy/")) continue;
    for (size_t i = 0; i < s.lines.size(); ++i)
      EXPECT_FALSE(std::regex_search(s.lines[i], mark)) << s.path << ":" << i + 1 << ": a note belongs in docs/";
  }
}

bool begins_with_comment(const std::string& line) {
  for (const char* comment : {"//", "/*", "#", "\"\"\"", "@import"})
    if (line.starts_with(comment)) return true;
  return false;
}

// A source is told by its header, if it has one.
TEST(Style, FilesSayWhatTheyAre) {
  for (const Source& s : everything()) {
    ASSERT_FALSE(s.lines.empty()) << s.path;
    const bool header = s.path.ends_with(".h"), includes = s.lines[0].starts_with("#include \"");
    if (header || !(includes || s.path.starts_with("src/"))) {
      EXPECT_TRUE(begins_with_comment(s.lines[0]) && !includes)
          << s.path << ": the first line must say what the file is";
    }
    if (header) {
      const bool once = std::find(s.lines.begin(), s.lines.end(), "#pragma once") != s.lines.end();
      EXPECT_TRUE(once) << s.path << ": #pragma once is missing";
    }
  }
}

}  // namespace
}  // namespace maru::tidy
