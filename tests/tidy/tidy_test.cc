// The rules of the house, checked on the sources: who may include whom, sizes, banned calls, file headers.
// Exceptions are listed below with their reason; the lists may only shrink.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "base/file.h"

namespace maru {
namespace {

/// What a folder names in its DEPS; the rest follows.
const std::map<std::string, std::set<std::string>>& direct_dependencies() {
  static const std::map<std::string, std::set<std::string>> kTable{
      {"base", {}},
      {"tensor", {"base"}},
      {"kernels", {"base"}},
      {"ops", {"tensor", "kernels"}},
      {"nn", {"ops"}},
      {"formats", {"tensor"}},
      {"models", {"nn", "formats"}},
      {"text", {"base"}},
      {"ledger", {"base"}},
      {"data", {"text", "formats", "ledger"}},
      {"optim", {"ops"}},
      {"train", {"models", "optim", "data", "ledger"}},
      {"infer", {"models", "text"}},
      {"eval", {"infer", "train", "data"}},
      {"http", {"base"}},
      {"serving", {"infer", "ledger"}},
      {"api", {"http", "serving", "ledger"}},
      {"cli", {"api", "eval", "train", "data", "ledger", "infer"}}};
  return kTable;
}

constexpr int kMaxFileLines = 500, kMaxFunctionLines = 70, kMaxColumns = 120;
const std::set<std::string> kLongFiles{};
const std::set<std::string> kLongFunctions{};

struct Banned {
  const char* pattern;
  const char* instead;
  std::set<std::string> allowed_folders;
};
const std::vector<Banned>& banned() {
  static const std::vector<Banned> kBanned{
      {R"((^|[^\w:.])(std::)?printf\s*\()", "spdlog or fmt", {}},
      {R"(std::cout|std::cerr|std::endl)", "spdlog, or Session::answer", {}},
      {R"((^|[^\w])(std::)?s?rand\s*\()", "base/random.h", {}},
      {R"(normal_distribution|uniform_int_distribution|uniform_real_distribution|mt19937)", "base/random.h", {}},
      {R"(getenv\s*\()", "an option passed in by cli", {"cli"}},
      {R"(using namespace)", "qualified names", {}},
      {R"(thread_local|#pragma omp)", "state passed in", {}},
      {R"(TODO|FIXME|XXX)", "finished code, or a note in docs/", {}}};
  return kBanned;
}

struct Source {
  std::string path, folder;  // path relative to the repository
  std::vector<std::string> lines;
};

std::vector<Source> sources() {
  std::vector<Source> all;
  for (const fs::path& path : list_files("src")) {
    if (path.extension() != ".cc" && path.extension() != ".h") continue;
    Source s{.path = path.generic_string(), .folder = std::next(path.begin())->string(), .lines = {}};
    std::istringstream text(read_file(path));
    for (std::string line; std::getline(text, line);) s.lines.push_back(line);
    all.push_back(std::move(s));
  }
  return all;
}

std::set<std::string> closure(const std::string& folder) {
  std::set<std::string> all{folder};
  for (const std::string& dependency : direct_dependencies().at(folder)) all.merge(closure(dependency));
  return all;
}

bool is_test(const Source& s) {
  return s.path.find("_test") != std::string::npos || s.path.find("test_") != std::string::npos ||
         s.path.find("testing") != std::string::npos;
}

TEST(Tidy, FoldersIncludeOnlyWhatTheyMay) {
  const std::regex include(R"re(^\s*#include "([a-z_]+)/)re");
  for (const Source& s : sources()) {
    ASSERT_TRUE(direct_dependencies().contains(s.folder)) << s.path << ": folder is not in the table";
    const std::set<std::string> allowed = closure(s.folder);
    for (const std::string& line : s.lines) {
      std::smatch match;
      if (!std::regex_search(line, match, include) || match[1] == "console") continue;
      EXPECT_TRUE(allowed.contains(match[1])) << s.path << ": " << s.folder << " may not include " << match[1];
    }
  }
}

TEST(Tidy, FilesAreShort) {
  for (const Source& s : sources()) {
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
TEST(Tidy, FunctionsAreShort) {
  const std::regex opening(R"(^[^#]*\)[^;={]*\{$)");
  for (const Source& s : sources()) {
    for (size_t i = 0; i < s.lines.size(); ++i) {
      if (!std::regex_match(s.lines[i], opening)) continue;
      size_t end = i;
      for (int depth = depth_change(s.lines[i]); depth > 0 && end + 1 < s.lines.size();)
        depth += depth_change(s.lines[++end]);
      const std::string name = s.path + ":" + std::to_string(i + 1);
      EXPECT_TRUE(kLongFunctions.contains(name) || end - i <= kMaxFunctionLines)
          << name << " is " << end - i << " lines long: " << s.lines[i];
    }
  }
}

TEST(Tidy, LinesAreShort) {
  for (const Source& s : sources())
    for (size_t i = 0; i < s.lines.size(); ++i) {
      if (s.lines[i].find("R\"(") != std::string::npos) continue;  // a raw string cannot be broken
      const auto characters =
          std::count_if(s.lines[i].begin(), s.lines[i].end(), [](char c) { return (c & 0xc0) != 0x80; });
      EXPECT_LE(characters, kMaxColumns) << s.path << ":" << i + 1;
    }
}

TEST(Tidy, BannedCallsAreAbsent) {
  for (const Banned& rule : banned()) {
    const std::regex pattern(rule.pattern);
    for (const Source& s : sources()) {
      if (is_test(s) || rule.allowed_folders.contains(s.folder)) continue;
      for (size_t i = 0; i < s.lines.size(); ++i) {
        const std::string code = s.lines[i].substr(0, s.lines[i].find("//"));
        EXPECT_FALSE(std::regex_search(code, pattern))
            << s.path << ":" << i + 1 << ": use " << rule.instead << " in place of: " << s.lines[i];
      }
    }
  }
}

TEST(Tidy, HeadersSayWhatTheyAre) {
  for (const Source& s : sources()) {
    if (!s.path.ends_with(".h")) continue;
    ASSERT_FALSE(s.lines.empty()) << s.path;
    EXPECT_EQ("//", s.lines[0].substr(0, 2)) << s.path << ": the first line must say what the file is";
    EXPECT_TRUE(std::find(s.lines.begin(), s.lines.end(), "#pragma once") != s.lines.end()) << s.path;
  }
}

TEST(Tidy, TestsSitBesideTheirSources) {
  std::map<std::string, int> sources_of, tests_of;
  for (const Source& s : sources()) ++(is_test(s) ? tests_of : sources_of)[s.folder];
  for (const auto& [folder, count] : sources_of)
    EXPECT_TRUE(folder == "cli" || tests_of[folder] > 0) << folder << " has no test";
}

}  // namespace
}  // namespace maru
