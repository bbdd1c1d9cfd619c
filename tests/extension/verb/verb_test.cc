// A new verb is one file and its word in a list: the program made of both knows it as it knows its own.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "base/json.h"
#include "formats/token_dataset.h"

namespace maru::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Said {
  int exit_code = -1;
  std::string out;  // with what went to standard error
};

class VerbTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(shards_);
    formats::TokenDatasetWriter writer(shards_, 100, false);
    writer.begin_split("train");
    for (const int32_t last : {2, 4}) writer.add(std::vector<int32_t>{0, 1, last}, 9);
    writer.finish();
  }
  void TearDown() override { fs::remove_all(home_); }

  Said run(const std::string& words) const {
    const std::string command = MARU_VERB_PROGRAM " --quiet --home " + home_.string() + " " + words + " 2>&1";
    FILE* pipe = ::popen(command.c_str(), "r");
    Said said;
    char bytes[4096];
    while (const size_t n = std::fread(bytes, 1, sizeof bytes, pipe)) said.out.append(bytes, n);
    const int status = ::pclose(pipe);
    said.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return said;
  }
  const fs::path home_ = fs::temp_directory_path() / ("maru_verb_" + std::to_string(::getpid()));
  const std::string shards_ = (home_ / "shards").string();
};

TEST_F(VerbTest, StandsInTheHelpInTheListsOrder) {
  const Said help = run("--help");
  EXPECT_EQ(0, help.exit_code);
  EXPECT_THAT(help.out, HasSubstr("\n  tokens "));
  EXPECT_THAT(help.out, HasSubstr("what packed token shards hold"));
  EXPECT_LT(help.out.find("\n  list "), help.out.find("\n  tokens "));
  EXPECT_THAT(help.out, Not(HasSubstr("\n  train "))) << "the list is this program's own";
  EXPECT_THAT(run("tokens --help").out, HasSubstr("token shards by name"));
}

TEST_F(VerbTest, AnswersOncePeopleAndPrograms) {
  const Said text = run("tokens " + shards_), json = run("tokens --json " + shards_);
  EXPECT_EQ(0, text.exit_code);
  EXPECT_EQ("tokens       2 documents, 6 tokens\n", text.out);
  EXPECT_EQ(0, json.exit_code);
  EXPECT_EQ((Json{{"documents", 2}, {"tokens", 6}}), parse_json(json.out, "answer").value());
}

TEST_F(VerbTest, IsSuggestedForWhatIsNearlyItsName) {
  const Said said = run("tokns " + shards_);
  EXPECT_EQ(2, said.exit_code);
  EXPECT_THAT(said.out, HasSubstr(R"(unknown verb "tokns"; did you mean "tokens"?)"));
}

TEST_F(VerbTest, FailsAsAllVerbsDo) {
  EXPECT_THAT(run("tokens").out, HasSubstr("maru tokens: directory is required: token shards by name"));
  const Said said = run("tokens nowhere");
  EXPECT_EQ(3, said.exit_code);
  EXPECT_THAT(said.out, HasSubstr(R"("nowhere" is neither a path nor one of: (none yet))"));
}

TEST_F(VerbTest, StandsBesideTheOthers) {
  const Said list = run("list");
  EXPECT_EQ(0, list.exit_code) << list.out;
  EXPECT_THAT(list.out, HasSubstr("nothing yet"));
}

}  // namespace
}  // namespace maru::cli
