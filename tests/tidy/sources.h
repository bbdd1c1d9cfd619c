// The files that the rules of the house are checked on, and the folders of src/ with what each may use.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

namespace maru::tidy {

struct Source {
  std::string path;  // relative to the repository
  std::vector<std::string> lines;
};

/// A folder of src/ with a CMakeLists.txt: a library, or a room of one.
struct Folder {
  std::string path, target;  // below src/; what other folders call it in their DEPS
  std::vector<std::string> deps, test_deps;
};

/// Files below `root` with one of these endings, without corpora and golden files. Of "" those that begin with "#!".
std::vector<Source> sources_below(const std::string& root, const std::set<std::string>& endings);
/// All C++ of src/, read once.
const std::vector<Source>& program();
/// Test code: no product uses it.
bool is_test(const std::string& path);

/// Every folder of src/ by the name of its library. The DEPS of a CMakeLists.txt are the only table of dependence.
const std::map<std::string, Folder>& folders();
/// The folder that a path below src/ lies in: the innermost with a CMakeLists.txt.
const Folder* folder_of(const std::string& path_below_src);
/// A library, what it names in DEPS (and in TEST_DEPS, if for tests), and what these name.
std::set<std::string> usable_from(const Folder& folder, bool for_tests);

}  // namespace maru::tidy
