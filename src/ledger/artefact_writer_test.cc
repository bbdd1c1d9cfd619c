// What an artefact may replace, who may write it, and what stays when it is not written.
#include "ledger/artefact_writer.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/error.h"

namespace maru::ledger {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class ArtefactWriterTest : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(home_); }
  void TearDown() override { fs::remove_all(home_); }
  static void write(const fs::path& place, const std::string& kind = "dataset") {
    ArtefactWriter writer(place);
    write_file(writer.directory() / "x", kind);
    Manifest m;
    m.kind = kind;
    m.name = "m";
    writer.commit(m);
  }
  static std::string refusal(const fs::path& place, const std::string& kind = "dataset") {
    try {
      write(place, kind);
      return "";
    } catch (const Failure& e) {
      EXPECT_EQ(ErrorCode::kExists, e.code()) << e.what();
      return e.what();
    }
  }
  const fs::path home_ = fs::temp_directory_path() / ("maru_writer_" + std::to_string(::getpid()));
};

TEST_F(ArtefactWriterTest, NeverReplacesWhatIsNotAnArtefact) {
  const std::vector<std::pair<const char*, std::function<void(const fs::path&)>>> kinds{
      {"a folder of a user's", [](const fs::path& p) { write_file(p / "thesis.txt", "years"); }},
      {"a file in a subfolder", [](const fs::path& p) { fs::create_directories(p / "s"), write_file(p / "s/t", "x"); }},
      {"only an empty subfolder", [](const fs::path& p) { fs::create_directories(p / "photos"); }},
      {"a hidden file", [](const fs::path& p) { write_file(p / ".git", "x"); }},
      {"a browser extension's manifest",
       [](const fs::path& p) { write_file(p / "manifest.json", R"({"manifest_version": 3})"); }},
      {"a web app's manifest",
       [](const fs::path& p) { write_file(p / "manifest.json", R"({"kind": "model", "name": "x"})"); }},
      {"a compact one", [](const fs::path& p) { write_file(p / "manifest.json", R"({"format":1,"kind":"model"})"); }},
      {"an empty manifest", [](const fs::path& p) { write_file(p / "manifest.json", ""); }},
      {"zeros", [](const fs::path& p) { write_file(p / "manifest.json", std::string(4096, '\0')); }},
      {"a folder of that name", [](const fs::path& p) { fs::create_directories(p / "manifest.json" / "x"); }},
      {"a pipe of that name", [](const fs::path& p) { ASSERT_EQ(0, ::mkfifo((p / "manifest.json").c_str(), 0600)); }},
      {"a manifest in another case", [](const fs::path& p) { write_file(p / "Manifest.json", "{}"); }},
      {"a model from elsewhere", [](const fs::path& p) { write_file(p / "config.json", "{}"); }}};
  for (const auto& [what, fill] : kinds) {
    const fs::path place = home_ / "mine";
    fs::create_directories(place);
    fill(place);
    const auto before = list_files(place);
    EXPECT_THAT(refusal(place), AllOf(HasSubstr(place.string()), HasSubstr("without a manifest of Maru's"))) << what;
    EXPECT_EQ(before, list_files(place)) << what;
    EXPECT_EQ(1, std::distance(fs::directory_iterator(home_), {})) << what << ": nothing is left beside it";
    fs::remove_all(place);
  }
}

TEST_F(ArtefactWriterTest, NeverReplacesAFileOrALink) {
  write_file(home_ / "file", "mine");
  write(home_ / "elsewhere/model");
  fs::create_directory_symlink(home_ / "elsewhere/model", home_ / "link");
  fs::create_symlink(home_ / "nothing", home_ / "dangling");
  EXPECT_THAT(refusal(home_ / "file"), HasSubstr("is a file"));
  EXPECT_THAT(refusal(home_ / "link"), HasSubstr("is a symbolic link"));
  EXPECT_THAT(refusal(home_ / "dangling"), HasSubstr("is a symbolic link"));
  EXPECT_EQ("mine", read_file(home_ / "file"));
  EXPECT_TRUE(fs::is_symlink(home_ / "link"));
  EXPECT_EQ("dataset", read_file(home_ / "elsewhere/model/x"));
  EXPECT_THROW(ArtefactWriter(home_ / "x.tmp-1"), Failure) << "it would be taken for what a dead process left";
  EXPECT_THROW(replace_directory(home_ / "elsewhere", home_ / "file"), Failure);
  EXPECT_EQ("mine", read_file(home_ / "file"));
}

TEST_F(ArtefactWriterTest, ReplacesArtefactsDamagedOnesToo) {
  const fs::path place = home_ / "m";
  fs::create_directories(place);
  EXPECT_EQ("", refusal(place)) << "an empty folder";
  const std::string whole = read_file(place / "manifest.json");
  for (std::string text : {whole, whole.substr(0, whole.size() / 2), whole.substr(0, 30), whole + "rubbish"}) {
    write_file(place / "manifest.json", text);
    EXPECT_EQ("", refusal(place)) << text;
    EXPECT_EQ(whole, read_file(place / "manifest.json"));
  }
  fs::remove_all(place / "x");
  EXPECT_EQ("", refusal(place));
}

TEST_F(ArtefactWriterTest, WhatComesMeanwhileIsNotReplacedEither) {
  ArtefactWriter writer(home_ / "m");
  write_file(writer.directory() / "x", "x");
  fs::create_directories(home_ / "m");
  write_file(home_ / "m/mine", "kept");
  Manifest m;
  m.kind = "dataset", m.name = "m";
  EXPECT_THROW(writer.commit(m), Failure);
  EXPECT_EQ("kept", read_file(home_ / "m/mine"));
}

TEST_F(ArtefactWriterTest, OneWriterAtATime) {
  write(home_ / "m", "model");
  int ready[2] = {};
  ASSERT_EQ(0, ::pipe(ready));
  const pid_t child = ::fork();
  if (child == 0) {
    const ArtefactWriter evaluation(home_ / "m/evaluation");
    const ArtefactWriter other(home_ / "n");
    (void)!::write(ready[1], "x", 1);
    for (;;) ::pause();
  }
  char got = 0;
  ASSERT_EQ(1, ::read(ready[0], &got, 1));
  const std::string by = "in use by process " + std::to_string(child);
  EXPECT_THAT(refusal(home_ / "n"), HasSubstr(by));
  EXPECT_THAT(refusal(home_ / "m/evaluation", "evaluation"), HasSubstr(by));
  EXPECT_THAT(refusal(home_ / "m", "model"), HasSubstr(by)) << "it would take the evaluation's folder with it";
  EXPECT_EQ("", refusal(home_ / "m/evaluation-law", "evaluation")) << "another one beside it is no conflict";
  EXPECT_TRUE(files_of(home_ / "m") == std::vector<std::string>{"x"}) << "neither locks nor what is being written";
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ("", refusal(home_ / "n"));
  EXPECT_EQ("", refusal(home_ / "m/evaluation", "evaluation"));
  EXPECT_EQ("", refusal(home_ / "m", "model"));
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(home_))
    EXPECT_FALSE(entry.path().filename().string().starts_with(".")) << entry.path() << " is left";
}

TEST_F(ArtefactWriterTest, APlaceThatCannotBeWrittenIsNamedBeforeTheWork) {
  write_file(home_ / "models", "a file where a folder should be");
  for (const auto& attempt : {std::function<void()>([&] { ArtefactWriter writer(home_ / "models/m"); }),
                              std::function<void()>([&] { require_writable(home_ / "models/m"); })}) {
    try {
      attempt();
      FAIL();
    } catch (const Failure& e) {
      EXPECT_THAT(e.what(), HasSubstr((home_ / "models").string()));
    }
  }
}

}  // namespace
}  // namespace maru::ledger
