#include "cli/usage.h"

#include <gmock/gmock.h>

#include "cli/recipe.h"

namespace maru::cli {
namespace {

using testing::HasSubstr;
using testing::Not;
using Words = std::vector<std::string>;

// A small program of the shape of ours.
struct Program {
  Program() {
    app.require_subcommand(1);
    app.fallthrough();
    app.add_option("--home", word, "where");
    app.add_option("--threads", number, "how many")->check(whole_number_in(0, 1024));
    app.add_flag("--json", flag, "");
    app.set_help_all_flag("--help-all", "");
    CLI::App* up = app.add_subcommand("up", "everything");
    up->add_option("--input", inputs, "text")->allow_extra_args(false);
    up->add_option("--minutes", minutes, "time")->check(number_in(0.01, 1e6));
    recipe.add_to(up, "  train.steps = 0\n", &inputs);
    CLI::App* data = app.add_subcommand("data", "");
    data->require_subcommand(1);
    data->add_subcommand("build", "");
    data->add_subcommand("pack", "");
    CLI::App* generate = app.add_subcommand("generate", "");
    generate->add_option("model", word, "model by name")->required();
    generate->add_option("prompt", word, "text");
    for (const char* name : {"train", "serve", "eval", "verify", "tokenizer"}) app.add_subcommand(name, "");
  }

  // What is said about these words.
  std::string said(const Words& words) {
    try {
      app.parse(Words(words.rbegin(), words.rend()));
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() == 0) return "help";
      const Error e = usage_error(app, error, words);
      EXPECT_EQ(ErrorCode::kInvalidArgument, e.code);
      return e.message;
    } catch (const Failure& failure) {
      return failure.what();
    }
    return "";
  }

  CLI::App app{"about", "maru"};
  std::string word;
  Words inputs;
  int number = 0;
  double minutes = 0;
  bool flag = false;
  RecipeArguments recipe;
};

struct SaidCase {
  Words words;
  const char* said;
};

TEST(UsageTest, NamesWhatWasMeant) {
  const SaidCase cases[] = {
      {{"upp"}, R"(unknown verb "upp"; did you mean "up"?)"},
      {{"trian", "steps=3"}, R"(did you mean "train"?)"},
      {{"sevre", "docs", "--port", "8000"}, R"(did you mean "serve"?)"},
      {{"tokeniser"}, R"(did you mean "tokenizer"?)"},
      {{"verfy", "x"}, R"(did you mean "verify"?)"},
      {{"data", "biuld"}, R"(unknown verb "biuld"; did you mean "build"?)"},
      {{"--home", "up", "trane"}, R"(unknown verb "trane"; did you mean "train"?)"},
      {{"genrate", "docs", "up"}, R"(unknown verb "genrate"; did you mean "generate"?)"},
      {{"help"}, R"(did you mean "--help"?)"},
      {{"version"}, R"(did you mean "--version"?)"},
      {{"quux"}, R"(unknown verb "quux"; expected one of: up, data, generate)"},
      {{}, "maru: expected a verb: up, data"},
      {{"--json"}, "maru: expected a verb"},
      {{"data"}, "maru data: expected a verb: build, pack"},
      {{"up", "--minuts", "3"}, "unknown option --minuts; did you mean --minutes?"},
      {{"up", "--inputs=x"}, "unknown option --inputs=x; did you mean --input?"},
      {{"up", "--jsn"}, "did you mean --json?"},
      {{"serve", "--minutes", "3"}, "--minutes is an option of maru up, not of maru serve"},
      {{"generate", "docs", "--5 degrees"}, R"(a text that begins with "-" stands behind a word "--")"},
      {{"serve", "docs"}, R"(maru serve: unexpected "docs")"},
      {{"generate"}, "maru generate: model is required: model by name"},
      {{"up", "--minutes", "x"}, R"(--minutes: expected a number from 0.01 to 1000000, got "x")"},
      {{"up", "--minutes", "nan"}, R"(got "nan")"},
      {{"up", "--minutes", "10m"}, R"(got "10m")"},
      {{"up", "--minutes", "0,5"}, R"(got "0,5")"},
      {{"up", "--minutes=-1"}, R"(got "-1")"},
      {{"up", "--minutes="}, "--minutes"},
      {{"--threads", "two", "up"}, R"(--threads: expected a whole number from 0 to 1024, got "two")"},
      {{"--threads", "1.5", "up"}, R"(got "1.5")"},
      {{"--threads", "99999999999999999999", "up"}, "expected a whole number"},
      {{"up", "--minutes"}, "--minutes: expected a value behind it"},
      {{"up", "--minutes", "1", "--minutes", "2"}, "--minutes: expected once, given 2 times"},
  };
  for (const SaidCase& c : cases)
    EXPECT_THAT(Program().said(c.words), HasSubstr(c.said)) << testing::PrintToString(c.words);
}

TEST(UsageTest, TakesWhatIsRight) {
  for (const Words& words :
       {Words{"up"}, Words{"generate", "docs", "give up now"}, Words{"generate", "docs", "--", "--yes"},
        Words{"up", "--minutes", "0.5"}, Words{"up", "--home", "x"}, Words{"data", "build"},
        Words{"--threads", "2", "up"}, Words{"up", "--minutes", "1e2"}})
    EXPECT_EQ("", Program().said(words)) << testing::PrintToString(words);
}

TEST(UsageTest, HelpIsShortAndHelpAllIsWhole) {
  Program help, all, before;
  EXPECT_EQ("help", help.said({"up", "--help"}));
  EXPECT_THAT(help.app.help(), Not(HasSubstr("train.steps")));
  EXPECT_THAT(help.app.help(), HasSubstr("--help-all lists the keys"));
  EXPECT_EQ("help", all.said({"up", "--help-all"}));
  EXPECT_THAT(all.app.help("", CLI::AppFormatMode::All), HasSubstr("train.steps = 0"));
  EXPECT_EQ("help", before.said({"--help-all", "up"}));
  EXPECT_THAT(before.app.help("", CLI::AppFormatMode::All), HasSubstr("train.steps = 0"));
}

TEST(UsageTest, KnowsJsonBeforeParsing) {
  EXPECT_TRUE(asks_for_json({"upp", "--json"}));
  EXPECT_TRUE(asks_for_json({"--json"}));
  EXPECT_FALSE(asks_for_json({"up", "json"}));
  EXPECT_FALSE(asks_for_json({"generate", "x", "--", "--json"}));
}

TEST(UsageTest, HelpCommandIsThatOfTheVerb) {
  Program program;
  program.said({"data", "biuld"});
  EXPECT_EQ("maru data --help", help_command(program.app));
  Program deeper;
  deeper.said({"data", "build", "--no-such-option"});
  EXPECT_EQ("maru data build --help", help_command(deeper.app));
}

}  // namespace
}  // namespace maru::cli
