#include "tidy/sources.h"

#include <algorithm>
#include <regex>
#include <sstream>

#include "base/file.h"

namespace maru::tidy {
namespace {

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

// The words behind `keyword` up to the next keyword or the end.
std::vector<std::string> list_behind(const std::vector<std::string>& words, const std::string& keyword) {
  static const std::set<std::string> kKeywords{"SOURCES", "DEPS",      "LIBRARIES", "PUBLIC_LIBRARIES",
                                               "TESTS",   "TEST_DEPS", "FAMILIES"};
  std::vector<std::string> list;
  auto it = std::find(words.begin(), words.end(), keyword);
  if (it == words.end()) return list;
  while (++it != words.end() && !kKeywords.contains(*it)) list.push_back(*it);
  return list;
}

// The first add_module or add_kernels of a CMakeLists.txt.
Folder read_folder(const fs::path& file) {
  static const std::regex kModule(R"(add_(?:module|kernels)\(([^)]*)\))");
  const std::string text = std::regex_replace(read_file(file), std::regex("#[^\n]*"), "");
  Folder folder{.path = file.parent_path().lexically_relative("src").generic_string()};
  std::smatch match;
  if (!std::regex_search(text, match, kModule)) return folder;
  const std::vector<std::string> words = words_of(match[1]);
  folder.target = words.at(0);
  folder.deps = list_behind(words, "DEPS");
  folder.test_deps = list_behind(words, "TEST_DEPS");
  return folder;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

void add_with_dependencies(const std::string& target, std::set<std::string>& all) {
  if (!all.insert(target).second) return;
  const auto it = folders().find(target);
  if (it == folders().end()) return;
  for (const std::string& dependency : it->second.deps) add_with_dependencies(dependency, all);
}

}  // namespace

std::vector<Source> sources_below(const std::string& root, const std::set<std::string>& endings) {
  std::vector<Source> all;
  for (const fs::path& path : list_files(root)) {
    const std::string name = path.generic_string();
    if (!endings.contains(path.extension().string())) continue;
    const auto lies_in = [&](const char* part) { return name.find(part) != std::string::npos; };
    if (lies_in("/corpus/") || lies_in("/golden/")) continue;
    if (lies_in("/.") || lies_in("/node_modules/")) continue;  // environments of the clients' tests: not ours
    std::string text = read_file(path);
    if (path.extension().empty() && !text.starts_with("#!")) continue;
    all.push_back({name, lines_of(text)});
  }
  return all;
}

const std::vector<Source>& program() {
  static const std::vector<Source> kAll = sources_below("src", {".cc", ".h"});
  return kAll;
}

bool is_test(const std::string& path) {
  return path.find("_test") != std::string::npos || path.find("test_") != std::string::npos ||
         path.find("testing") != std::string::npos || path.find("/fake_") != std::string::npos;
}

const std::map<std::string, Folder>& folders() {
  static const std::map<std::string, Folder> kAll = [] {
    std::map<std::string, Folder> all;
    for (const fs::path& path : list_files("src"))
      if (path.filename() == "CMakeLists.txt") {
        Folder folder = read_folder(path);
        all.emplace(folder.target, std::move(folder));
      }
    return all;
  }();
  return kAll;
}

const Folder* folder_of(const std::string& path_below_src) {
  const Folder* innermost = nullptr;
  for (const auto& [target, folder] : folders())
    if (path_below_src.starts_with(folder.path + "/") &&
        (innermost == nullptr || folder.path.size() > innermost->path.size()))
      innermost = &folder;
  return innermost;
}

std::set<std::string> usable_from(const Folder& folder, bool for_tests) {
  std::set<std::string> all;
  add_with_dependencies(folder.target, all);
  if (for_tests)
    for (const std::string& dependency : folder.test_deps) add_with_dependencies(dependency, all);
  return all;
}

}  // namespace maru::tidy
