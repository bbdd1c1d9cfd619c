// Removing: all of what Maru made, nothing of what it did not make, whatever happens meanwhile.
#include "catalogue/removal.h"

#include <gmock/gmock.h>
#include <sys/wait.h>

#include "base/error.h"
#include "base/file_lock.h"
#include "base/random.h"
#include "catalogue/test_home.h"

namespace maru::catalogue {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class RemovalTest : public testing::Test {
 protected:
  Removal take(const std::string& name, bool force = false) const {
    return remove(at_.home, find_named(at_.home, name), force);
  }
  Error refusal(const std::string& name, bool force = true) const {
    return error_of([&] { take(name, force); });
  }
  fs::path at(const std::string& place) const { return at_.home.root() / place; }
  std::vector<std::string> everything() const {
    std::vector<std::string> paths;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(at_.root))
      paths.push_back(entry.path().string());
    std::sort(paths.begin(), paths.end());
    return paths;
  }
  /// A refusal that leaves everything as it was.
  void expect_refused(const std::string& name, const std::string& why) const {
    const auto before = everything();
    const Error error = refusal(name);
    EXPECT_EQ(ErrorCode::kExists, error.code) << error.message;
    EXPECT_THAT(error.message, HasSubstr(why));
    EXPECT_EQ(before, everything());
  }

  const TestHome at_{"catalogue_removal"};
};

TEST_F(RemovalTest, ANameIsOneOfAKindOrSaysTheKind) {
  at_.add("models/a", "model"), at_.add("datasets/a", "dataset"), at_.add("datasets/docs", "dataset");
  EXPECT_EQ(Kind::kDataset, find_named(at_.home, "docs").kind);
  EXPECT_EQ(at("models/a"), find_named(at_.home, "models/a").path);
  const auto said = [&](const std::string& name, ErrorCode code) {
    const Error error = error_of([&] { find_named(at_.home, name); });
    EXPECT_EQ(code, error.code) << name;
    return error.message;
  };
  EXPECT_EQ("\"a\" is the name of several: say datasets/a or models/a", said("a", ErrorCode::kInvalidArgument));
  EXPECT_EQ("nothing is called \"dosc\"; did you mean \"docs\"?", said("dosc", ErrorCode::kNotFound));
  EXPECT_EQ("datasets: \"doc\" is not there; did you mean \"docs\"?", said("datasets/doc", ErrorCode::kNotFound));
  EXPECT_THAT(said("model/a", ErrorCode::kInvalidArgument), HasSubstr("did you mean \"models\"?"));
  for (const char* name : {"", "..", "models/..", "models/../datasets", "models/", "/etc", "models/a/b", "cache/x"})
    said(name, ErrorCode::kInvalidArgument);
}

TEST_F(RemovalTest, AnArtefactGoesWithWhatLiesInIt) {
  const fs::path model = at_.add("models/m", "model");
  at_.add("models/m/evaluation", "evaluation", {{"model", model}}), at_.add("models/keep", "model");
  const Removal plan = plan_removal(at_.home, find_named(at_.home, "m"));
  EXPECT_EQ(4, plan.files);
  EXPECT_TRUE(fs::exists(model)) << "only looked at";
  const Removal done = take("m");
  EXPECT_EQ(4, done.files);
  EXPECT_EQ(plan.bytes, done.bytes);
  EXPECT_THAT(folders_in(at("models")), ElementsAre(at("models/keep")));
  EXPECT_EQ(1, std::distance(fs::directory_iterator(at("models")), {})) << "no lock, no rest";
}

TEST_F(RemovalTest, WhatSomethingDependsOnStaysUnlessForced) {
  const fs::path data = at_.add("datasets/d", "dataset");
  at_.add("models/m", "model", {{"tokens", data}});
  const Error error = refusal("d", /*force=*/false);
  EXPECT_EQ(ErrorCode::kExists, error.code);
  EXPECT_THAT(error.message, HasSubstr("models/m"));
  EXPECT_TRUE(fs::exists(data / "manifest.json"));
  EXPECT_THAT(take("d", true).dependents, ElementsAre("models/m"));
  EXPECT_FALSE(fs::exists(data));
}

TEST_F(RemovalTest, NothingOfOthersIsRemovedEvenByForce) {
  fs::create_directories(at("models/mine"));
  write_file(at("models/mine/thesis.txt"), "years");
  expect_refused("mine", "has no manifest of Maru's");
  at_.add("models/m", "model");
  write_file(at("models/m/thesis.txt"), "years");
  expect_refused("m", "thesis.txt: was not made by Maru");
  fs::remove(at("models/m/thesis.txt"));
  fs::create_directories(at("models/m/notes/deep"));
  write_file(at("models/m/notes/deep/thesis.txt"), "years");
  expect_refused("m", "models/m/notes: was not made by Maru");
  fs::remove_all(at("models/m/notes"));
  at_.add("models/m/evaluation", "evaluation");
  write_file(at("models/m/evaluation/thesis.txt"), "years");
  expect_refused("m", "evaluation/thesis.txt");
  write_file(at("models/file"), "years");
  expect_refused("models/file", "has no manifest of Maru's");
  fs::create_directories(at("datasets/own"));
  write_file(at("datasets/own/manifest.json"), R"({"name": "an app", "icons": []})");
  expect_refused("own", "has no manifest of Maru's");
}

TEST_F(RemovalTest, LinksAreNotFollowed) {
  fs::create_directories(at_.root / "outside");
  write_file(at_.root / "outside/thesis.txt", "years");
  const fs::path other = at_.add("datasets/other", "dataset");
  fs::create_directory_symlink(other, at("datasets/link"));
  expect_refused("link", "is a symbolic link");
  fs::create_directory_symlink(at_.root / "outside", at("datasets/other/link"));
  expect_refused("other", "other/link: was not made by Maru");
  fs::create_directories(at("models/fake"));
  fs::create_symlink(other / "manifest.json", at("models/fake/manifest.json"));
  expect_refused("fake", "has no manifest of Maru's");
  {
    ledger::ArtefactWriter writer(at("models/imported"));
    fs::create_symlink(at_.root / "outside/thesis.txt", writer.directory() / "weights");
    writer.commit({.kind = "model", .name = "imported"});
  }
  EXPECT_EQ(2, take("imported").files);
  EXPECT_EQ("years", read_file(at_.root / "outside/thesis.txt"));
}

TEST_F(RemovalTest, ARunGoesWithItsCheckpoints) {
  at_.add("runs/r/checkpoints/step-00000001", "checkpoint");
  at_.add("runs/r/best", "checkpoint");
  for (const std::string_view name :
       {kRunRecipe, kRunInputs, kRunPlan, kRunMetrics, kRunReport, kRunSamples, kRunComparison})
    write_file(at("runs/r") / name, "{}");
  fs::create_directories(at("runs/r/checkpoints/damaged-step-00000002"));
  write_file(at("runs/r/checkpoints/damaged-step-00000002/manifest.json"), "damaged");
  write_file(at("runs/r/thesis.txt"), "years");
  expect_refused("r", "thesis.txt");
  fs::remove(at("runs/r/thesis.txt"));
  write_file(at("runs/r/checkpoints/damaged-step-00000002/thesis.txt"), "years");
  expect_refused("r", "thesis.txt");
  fs::remove(at("runs/r/checkpoints/damaged-step-00000002/thesis.txt"));
  write_file(at("runs/r/best/thesis.txt"), "years");
  expect_refused("r", "thesis.txt");
  fs::remove(at("runs/r/best/thesis.txt"));
  {
    const FileLock training(at("runs/r"));
    expect_refused("r", "in use by process " + std::to_string(::getpid()));
  }
  EXPECT_EQ(12, take("r").files);
  EXPECT_TRUE(fs::is_empty(at("runs")));
}

TEST_F(RemovalTest, PackedConversationsGoThoughTheirFolderHasNoManifest) {
  at_.add("datasets/chat/tokens-t", "tokens");
  write_file(at("datasets/chat/chat.jsonl"), "mine");
  expect_refused("chat", "chat.jsonl");
  fs::remove(at("datasets/chat/chat.jsonl"));
  take("chat");
  EXPECT_TRUE(fs::is_empty(at("datasets")));
}

TEST_F(RemovalTest, ADamagedManifestSaysNotWhatIsMarus) {
  const fs::path manifest = at_.add("models/m", "model") / "manifest.json";
  std::string text = read_file(manifest);
  text[text.size() / 2] ^= 1;
  write_file(manifest, text);
  const Error error = refusal("m");
  EXPECT_EQ(ErrorCode::kDataLoss, error.code);
  EXPECT_THAT(error.message, HasSubstr("by hand"));
  EXPECT_TRUE(fs::exists(manifest));
}

TEST_F(RemovalTest, KilledAtAnyMomentItLeavesAllOrNothing) {
  Random random(7);
  for (int i = 0; i < 8; ++i) {
    {
      ledger::ArtefactWriter writer(at("models/m"));
      for (int file = 0; file < 60; ++file) write_file(writer.directory() / ("file" + std::to_string(file)), "x");
      writer.commit({.kind = "model", .name = "m"});
    }
    const pid_t child = ::fork();
    if (child == 0) {
      take("m", true);
      ::_exit(0);
    }
    ASSERT_GT(child, 0);
    ::usleep(static_cast<useconds_t>(random.below(6'000)));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    at_.home.remove_leftovers();
    if (fs::exists(at("models/m"))) {
      EXPECT_NO_THROW(take("m")) << "whole, and it can be removed again";
    }
    EXPECT_TRUE(fs::is_empty(at("models"))) << i;
  }
}

}  // namespace
}  // namespace maru::catalogue
