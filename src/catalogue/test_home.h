// A home of small artefacts, for the tests of whoever reads or changes one.
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "catalogue/home.h"
#include "ledger/artefact_writer.h"

namespace maru::catalogue {

/// What f fails with.
template <class F>
Error error_of(F f) {
  try {
    f();
  } catch (const Failure& e) {
    return e.error();
  }
  ADD_FAILURE() << "expected a Failure";
  return {};
}

/// An input of an artefact: the role and the directory of the other.
struct TestInput {
  std::string role;
  fs::path directory;
};

class TestHome {
 public:
  explicit TestHome(const std::string& name)
      : root(fs::temp_directory_path() / ("maru_" + name + "_" + std::to_string(::getpid()))), home(root / "home") {
    fs::remove_all(root);
    fs::create_directories(home.root());
  }
  ~TestHome() { fs::remove_all(root); }

  /// An artefact of one file at PLACE below the home.
  fs::path add(const std::string& place, const std::string& kind, const std::vector<TestInput>& inputs = {},
               std::vector<ledger::ForeignOrigin> foreign = {}, const Json& recipe = {}) const {
    const fs::path directory = home.root() / place;
    ledger::ArtefactWriter writer(directory);
    write_file(writer.directory() / "file", "content of " + place);
    ledger::Manifest manifest{.kind = kind, .name = directory.filename().string()};
    for (const TestInput& input : inputs)
      manifest.inputs.push_back(ledger::artefact_input(input.role, input.directory, {directory, home.root()}));
    manifest.foreign = std::move(foreign), manifest.recipe = recipe;
    writer.commit(manifest);
    return directory;
  }

  const fs::path root;  // removed at the end
  const Home home;
};

}  // namespace maru::catalogue
