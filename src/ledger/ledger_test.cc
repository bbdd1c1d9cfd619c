// Manifests, the artefact writer, the hash cache.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/temporary.h"
#include "ledger/artefact_writer.h"
#include "ledger/code_version.h"
#include "ledger/hash_cache.h"

namespace maru::ledger {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class LedgerTest : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(home_); }
  void TearDown() override { fs::remove_all(home_); }
  const fs::path home_ = fs::temp_directory_path() / ("maru_ledger_" + std::to_string(::getpid()));
};

Manifest sample() {
  Manifest m;
  m.kind = "dataset";
  m.name = "시험";
  m.seed = 7;
  m.recipe = Json{{"a", 1}};
  m.inputs = {{"raw", "/corpus/a.txt", std::string(64, 'a'), 3}};
  m.files = {{"sub/b.txt", std::string(64, 'b'), 4}};
  return m;
}

TEST_F(LedgerTest, ManifestSurvivesTheRoundTrip) {
  const std::string text = render_manifest(sample());
  const Manifest back = parse_manifest(text, "m").value();
  EXPECT_EQ("시험", back.name);
  EXPECT_EQ(7u, back.seed);
  EXPECT_EQ("sub/b.txt", back.files.at(0).path);
  EXPECT_EQ(1, back.recipe["a"]);
  EXPECT_EQ(text, render_manifest(back));
}

TEST_F(LedgerTest, AnyChangedByteOfAManifestIsFound) {
  const std::string text = render_manifest(sample());
  for (size_t i = 0; i < text.size(); ++i)
    for (const char flip : {1, 32, 128}) {
      std::string changed = text;
      changed[i] = static_cast<char>(changed[i] ^ flip);
      EXPECT_FALSE(parse_manifest(changed, "m").ok()) << "byte " << i << " ^ " << int{flip};
    }
  EXPECT_FALSE(parse_manifest(text + " ", "m").ok());
  EXPECT_FALSE(parse_manifest(text.substr(0, text.size() / 2), "m").ok());
}

TEST_F(LedgerTest, PathsThatLeaveTheArtefactAreRefused) {
  for (const char* path : {"../x", "/etc/passwd", "a/../../x", ""}) {
    Manifest m = sample();
    m.files[0].path = path;
    EXPECT_FALSE(parse_manifest(render_manifest(m), "m").ok()) << path;
  }
}

TEST_F(LedgerTest, StoredPathsAreRelativeInsideTheHomeOnly) {
  const Place place{home_ / "datasets/a", home_};
  EXPECT_EQ("../b/manifest.json", stored_path(home_ / "datasets/b/manifest.json", place));
  EXPECT_EQ("/corpus/x.html", stored_path("/corpus/x.html", place));
  EXPECT_EQ((home_ / "x").string(), stored_path(home_ / "x", {home_ / "datasets/a", ""}));
  EXPECT_EQ(home_ / "datasets/b/c", resolved_path("../b/c", home_ / "datasets/a"));
}

TEST_F(LedgerTest, WriterShowsNothingUntilCommitAndReplacesWhole) {
  const fs::path place = home_ / "datasets/a/";
  {
    ArtefactWriter writer(place);
    write_file(writer.directory() / "x", "one");
  }
  EXPECT_TRUE(fs::is_empty(home_ / "datasets")) << "an abandoned writer must leave nothing";
  for (const char* name : {"old", "new"}) {
    ArtefactWriter writer(place);
    write_file(writer.directory() / name, name);
    writer.commit(sample());
  }
  EXPECT_THAT(files_of(place), ElementsAre("new"));
  const Manifest m = read_manifest(place);
  EXPECT_EQ(sha256_hex("new"), m.files.at(0).sha256);
  EXPECT_EQ(code_version(), m.code_version);
}

TEST_F(LedgerTest, WriterClearsWhatDeadProcessesLeft) {
  fs::create_directories(home_ / "a.tmp-999999999");
  fs::create_directories(home_ / "a.tmp-1");
  fs::create_directories(home_ / "a.tmp-mine");
  fs::create_directories(home_ / "b.tmp-999999999");
  ArtefactWriter writer(home_ / "a");
  EXPECT_FALSE(fs::exists(home_ / "a.tmp-999999999"));
  EXPECT_TRUE(fs::exists(home_ / "a.tmp-1")) << "process 1 lives";
  EXPECT_TRUE(fs::exists(home_ / "a.tmp-mine"));
  EXPECT_TRUE(fs::exists(home_ / "b.tmp-999999999")) << "not this artefact's";
}

TEST_F(LedgerTest, NestedArtefactsAreNotFilesOfTheOuterOne) {
  fs::create_directories(home_ / "a/inner");
  fs::create_directories(home_ / "a/plain");
  for (const char* file : {"a/x", "a/manifest.json", "a/inner/manifest.json", "a/inner/y", "a/plain/z"})
    write_file(home_ / file, "");
  EXPECT_THAT(files_of(home_ / "a"), ElementsAre("plain/z", "x"));
}

TEST_F(LedgerTest, StageKeyDependsOnContentsNotOnPaths) {
  const auto inputs = sample().inputs;
  const std::string key = stage_key("dataset", {{"a", 1}}, inputs);
  EXPECT_NE(key, stage_key("tokens", {{"a", 1}}, inputs));
  EXPECT_NE(key, stage_key("dataset", {{"a", 2}}, inputs));
  auto moved = inputs, changed = inputs;
  moved[0].path = "/elsewhere/a.txt";
  changed[0].sha256 = std::string(64, 'c');
  EXPECT_EQ(key, stage_key("dataset", {{"a", 1}}, moved));
  EXPECT_NE(key, stage_key("dataset", {{"a", 1}}, changed));
}

TEST_F(LedgerTest, CurrentMeansSameKeyAndWholeFiles) {
  ArtefactWriter writer(home_ / "a");
  write_file(writer.directory() / "x", "one");
  writer.commit(sample());
  const std::string key = stage_key("dataset", sample().recipe, sample().inputs);
  EXPECT_TRUE(is_current(home_ / "a", key));
  EXPECT_FALSE(is_current(home_ / "a", stage_key("dataset", {}, sample().inputs)));
  EXPECT_FALSE(is_current(home_ / "none", key));
  write_file(home_ / "a/x", "");
  EXPECT_FALSE(is_current(home_ / "a", key));
}

// Killed between putting the new one in place and removing the old: the next stage has nothing to write.
TEST_F(LedgerTest, WhatIsCurrentHasNoLeftovers) {
  ArtefactWriter(home_ / "a").commit(sample());
  write_file(home_ / ".a.lock", "");
  const pid_t dead = ::fork();
  if (dead == 0) ::_exit(0);
  ::waitpid(dead, nullptr, 0);
  const fs::path old = home_ / ("a.old-" + std::to_string(dead));
  fs::create_directories(old);
  write_file(old / "x", "one");
  mark_temporary(old);
  EXPECT_TRUE(is_current(home_ / "a", stage_key("dataset", sample().recipe, sample().inputs)));
  EXPECT_FALSE(fs::exists(old));
  EXPECT_FALSE(fs::exists(home_ / ".a.lock"));
}

TEST_F(LedgerTest, HashCacheFollowsTheFileAndSurvivesDamage) {
  const fs::path file = home_ / "raw file", cache = home_ / "cache/hashes";
  write_file(file, "one");
  const auto hash = [&] {
    HashCache c(cache);
    const std::string sha256 = c.sha256(file);
    c.save();
    return sha256;
  };
  EXPECT_EQ(sha256_hex("one"), hash());
  const auto time = fs::last_write_time(file);
  write_file(file, "two");
  fs::last_write_time(file, time);
  EXPECT_EQ(sha256_hex("one"), hash()) << "same size and time: the cached value, which is why verify never asks it";
  write_file(file, "three");
  fs::last_write_time(file, time);
  EXPECT_EQ(sha256_hex("three"), hash()) << "the size alone tells";
  write_file(file, "other");
  EXPECT_EQ(sha256_hex("other"), hash()) << "the time alone tells";
  write_file(file, "three");
  write_file(cache, "rubbish\n" + std::string(64, 'x') + " y z\n");
  EXPECT_EQ(sha256_hex("three"), hash());
}

TEST_F(LedgerTest, AHashCacheThatCannotBeReadIsEmptyAndOneThatCannotBeWrittenIsNamed) {
  write_file(home_ / "raw", "one");
  write_file(home_ / "file", "x");
  fs::create_directories(home_ / "folder/hashes");
  write_file(home_ / "packed", "\x1f\x8b broken gzip");
  for (const fs::path& place : {home_ / "folder/hashes", home_ / "file/hashes", home_ / "packed"}) {
    HashCache cache(place);
    EXPECT_EQ(sha256_hex("one"), cache.sha256(home_ / "raw"));
    if (place.filename() == "packed") continue;
    try {
      cache.save();
      FAIL() << place;
    } catch (const Failure& e) {
      EXPECT_THAT(e.what(), HasSubstr(place.string()));
    }
  }
}

TEST(CodeVersion, NamesTheRelease) { EXPECT_THAT(std::string(code_version()), HasSubstr("0.")); }

}  // namespace
}  // namespace maru::ledger
