// Who may include whom: the DEPS of each folder's CMakeLists.txt are the one table that CMake, this test and
// docs/ARCHITECTURE.md go by.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <regex>
#include <sstream>

#include "base/file.h"
#include "tidy/sources.h"

namespace maru::tidy {
namespace {

TEST(Folders, EachIsALibraryOfKnownOnes) {
  ASSERT_GT(folders().size(), 15u);
  for (const auto& [target, folder] : folders()) {
    EXPECT_FALSE(target.empty()) << folder.path << " has a CMakeLists.txt without add_module";
    for (const auto* list : {&folder.deps, &folder.test_deps})
      for (const std::string& dependency : *list)
        EXPECT_TRUE(folders().contains(dependency)) << folder.path << " names " << dependency << ", which is no folder";
  }
}

TEST(Folders, DependOnEachOtherInNoCircle) {
  std::set<std::string> done, open;
  const std::function<void(const std::string&)> visit = [&](const std::string& target) {
    if (done.contains(target)) return;
    ASSERT_TRUE(open.insert(target).second) << target << " depends on itself";
    for (const std::string& dependency : folders().at(target).deps) visit(dependency);
    open.erase(target);
    done.insert(target);
  };
  for (const auto& [target, folder] : folders()) visit(target);
}

TEST(Folders, IncludeOnlyWhatTheyMay) {
  const std::regex include(R"re(^\s*#include "([a-z0-9_/]+\.h)")re");
  for (const Source& s : program()) {
    const Folder* folder = folder_of(s.path.substr(4));
    ASSERT_NE(nullptr, folder) << s.path << " lies in no folder with a CMakeLists.txt";
    const std::set<std::string> usable = usable_from(*folder, is_test(s.path));
    for (const std::string& line : s.lines) {
      std::smatch match;
      if (!std::regex_search(line, match, include)) continue;
      const Folder* other = folder_of(match[1]);
      if (other == nullptr) continue;  // generated, or of the console
      EXPECT_TRUE(usable.contains(other->target))
          << s.path << " includes " << match[1] << ": " << folder->target << " does not depend on " << other->target;
    }
  }
}

// The third column, as its line in docs/ARCHITECTURE.md writes it.
std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "–" : text;
}

TEST(Folders, StandInTheArchitectureAsTheyAre) {
  const std::regex row(R"(^\| `src/([a-z0-9_/]+)/` \| .* \| ([^|]*) \|$)");
  std::map<std::string, std::string> written;
  std::istringstream text(read_file("docs/ARCHITECTURE.md"));
  for (std::string line; std::getline(text, line);)
    if (std::smatch match; std::regex_match(line, match, row)) written[match[1]] = match[2];
  for (const auto& [target, folder] : folders()) {
    EXPECT_EQ(written[folder.path], joined(folder.deps)) << "docs/ARCHITECTURE.md: src/" << folder.path;
    written.erase(folder.path);
  }
  for (const auto& [path, deps] : written) ADD_FAILURE() << "docs/ARCHITECTURE.md: src/" << path << " is no folder";
}

// They pass a Device&: what it is, those who make one know.
TEST(Folders, AboveOpsNameNoDevice) {
  const std::regex named(R"(\b(CpuStream|CpuDevice|ProtectedDevice)\b|tensor/(cpu_device|test_device|stream)\.h)");
  for (const Source& s : program()) {
    const bool above = s.path.starts_with("src/nn/") || s.path.starts_with("src/models/") ||
                       s.path.starts_with("src/train/") || s.path.starts_with("src/infer/");
    if (!above || is_test(s.path)) continue;
    for (const std::string& line : s.lines) EXPECT_FALSE(std::regex_search(line, named)) << s.path << ": " << line;
  }
}

TEST(Folders, HaveTests) {
  std::map<std::string, int> sources_of, tests_of;
  for (const Source& s : program()) ++(is_test(s.path) ? tests_of : sources_of)[folder_of(s.path.substr(4))->target];
  for (const auto& [target, count] : sources_of)
    EXPECT_TRUE(target == "cli" || tests_of[target] > 0) << target << " has no test";
}

}  // namespace
}  // namespace maru::tidy
