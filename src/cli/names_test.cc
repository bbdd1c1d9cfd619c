// Every verb that takes a name or a place to write to: nothing leaves the home, nothing of others is replaced.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <regex>
#include <set>

#include "base/json.h"
#include "cli/verbs.h"
#include "ledger/artefact_writer.h"
#include "ledger/test_names.h"
#include "ledger/verify.h"

namespace maru::cli {
namespace {

using testing::HasSubstr;

class NamesTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* kind : {"datasets", "tokenizers", "models", "adapters", "runs"}) {
      ledger::ArtefactWriter writer(home_ / kind / "keep");
      write_file(writer.directory() / "file", "kept");
      ledger::Manifest manifest;
      manifest.kind = "dataset", manifest.name = "keep";
      writer.commit(manifest);
    }
    write_file(home_ / "runs/keep/metrics.jsonl", "");
    for (const char* name : {"corpus", "adapter", "outside", "model"}) fs::create_directories(root_ / name);
    write_file(root_ / "corpus/a.txt", "text");
    write_file(root_ / "chat.jsonl", R"({"prompt": "a", "completion": "b"})");
    write_file(root_ / "adapter/adapter_config.json", "{}");
    write_file(root_ / "outside/thesis.txt", "years");
  }
  void TearDown() override { fs::remove_all(root_); }

  /// What `maru WORDS…` ends with.
  std::optional<Error> run(const std::vector<std::string>& words) const {
    CLI::App app("", "maru");
    Session session;
    session.home = home_;
    session.quiet = true;
    app.require_subcommand(1);
    for (const AddVerb add : all_verbs()) add(app, session);
    std::vector<const char*> arguments{"maru"};
    for (const std::string& word : words) arguments.push_back(word.c_str());
    try {
      app.parse(static_cast<int>(arguments.size()), arguments.data());
      return std::nullopt;
    } catch (const Failure& e) {
      return e.error();
    } catch (const CLI::ParseError& e) {
      return Error{ErrorCode::kInvalidArgument, e.what()};
    }
  }
  std::string recipe(const std::string& name) const {
    const fs::path file = root_ / "recipe.yaml";
    write_file(file, Json{{"name", name}}.dump());
    return file.string();
  }
  std::set<std::string> everything() const {
    std::set<std::string> paths;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root_))
      if (entry.path().filename() != "recipe.yaml") paths.insert(entry.path().string());
    return paths;
  }
  const fs::path root_ = fs::temp_directory_path() / ("maru_names_" + std::to_string(::getpid()));
  const fs::path home_ = root_ / "home";
};

TEST_F(NamesTest, EveryVerbRefusesWhatCannotBeAName) {
  const std::string corpus = (root_ / "corpus").string(), chat = (root_ / "chat.jsonl").string();
  const std::string model = (root_ / "model").string(), adapter = (root_ / "adapter").string();
  using Words = std::vector<std::string>;
  const std::vector<std::function<Words(const std::string&)>> verbs{
      [&](const std::string& n) {
        return Words{"data", "build", "--input", corpus, "--name=" + n};
      },
      [&](const std::string& n) { return Words{"data", "pack", "--chat", chat, "--tokenizer", "keep", "--name=" + n}; },
      [&](const std::string& n) {
        return Words{"tokenizer", "train", "--input", corpus, "--name=" + n};
      },
      [&](const std::string& n) {
        return Words{"up", "--no-serve", "--input", corpus, "--name=" + n};
      },
      [&](const std::string& n) {
        return Words{"import", model, "--force", "--name=" + n};
      },
      [&](const std::string& n) {
        return Words{"import", adapter, "--force", "--name=" + n};
      },
      [&](const std::string& n) {
        return Words{"report", n};
      },
      [&](const std::string& n) {
        return Words{"quantize", "keep", "--force", "--out=" + n};
      },
      [&](const std::string& n) {
        return Words{"merge", "keep", "keep", "--force", "--out=" + n};
      },
      [&](const std::string& n) {
        return Words{"train", recipe(n)};
      },
      [&](const std::string& n) {
        return Words{"tokenizer", "train", recipe(n), "--input", corpus};
      },
      [&](const std::string& n) {
        return Words{"up", recipe(n), "--no-serve", "--input", corpus};
      }};
  const auto before = everything();
  int tried = 0;
  for (const ledger::NameCase& c : ledger::name_cases()) {
    if (c.why == nullptr) continue;
    for (size_t i = 0; i < verbs.size(); ++i) {
      const bool in_recipe = i >= 9, as_path = i == 7 || i == 8;
      if (!in_recipe && (c.name.empty() || c.name.find('\0') != std::string::npos)) continue;  // of no argument
      if (in_recipe && c.why == std::string("UTF-8")) continue;                                // of no recipe
      if (as_path && c.name.find('/') != std::string::npos) continue;                          // a place, below
      const auto error = run(verbs[i](c.name));
      ASSERT_TRUE(error.has_value()) << i << " took " << Json(c.why);
      EXPECT_EQ(ErrorCode::kInvalidArgument, error->code) << i << ": " << error->message;
      EXPECT_THAT(error->message, HasSubstr("cannot be a name")) << i;
      ++tried;
    }
  }
  EXPECT_GT(tried, 380);
  EXPECT_EQ(before, everything());
}

TEST_F(NamesTest, ANameIsSpelledInOneWay) {
  const auto error = run({"data", "build", "--input", (root_ / "corpus").string(), "--name=cafe\u0301"});
  ASSERT_TRUE(error.has_value());
  EXPECT_THAT(error->message, HasSubstr("composed form"));
  Session session;
  session.home = home_;
  for (const char* name : {"caf\u00e9", "한국어", "a b", "docs.1"})
    EXPECT_EQ(home_ / "models" / name, session.place(Kind::kModel, name));
}

TEST_F(NamesTest, NothingOfOthersIsReplacedEvenByForce) {
  const std::string corpus = (root_ / "corpus").string(), outside = (root_ / "outside").string();
  for (const char* kind : {"datasets", "tokenizers", "models", "adapters"}) {
    fs::create_directories(home_ / kind / "mine");
    write_file(home_ / kind / "mine" / "thesis.txt", "years");
  }
  write_file(root_ / "notes.html", "<p>mine</p>");
  const auto before = everything();
  const std::vector<std::vector<std::string>> commands{
      {"data", "build", "--input", corpus, "--force", "--name=mine"},
      {"tokenizer", "train", "--input", corpus, "--force", "--name=mine"},
      {"import", (root_ / "model").string(), "--force", "--name=mine"},
      {"import", (root_ / "adapter").string(), "--force", "--name=mine"},
      {"quantize", "keep", "--force", "--out=mine"},
      {"quantize", "keep", "--force", "--out=" + outside},
      {"quantize", "keep", "--force", "--out=" + outside + "/"},
      {"quantize", "keep", "--force", "--out=" + outside + "/."},
      {"quantize", "keep", "--force", "--out=" + outside + "/../outside"},
      {"quantize", "keep", "--force", "--out=" + (root_ / "chat.jsonl").string()},
      {"merge", "keep", "keep", "--force", "--out=" + outside},
      {"export", "keep", "--force", "--out=" + outside},
      {"export", "keep", "--force", "--out=" + home_.string()},
      {"export", "keep", "--force", "--out=" + (home_ / "models").string()},
      {"export", "keep", "--force", "--format=gguf", "--out=" + outside},
      {"export", "keep", "--force", "--out=/"},
      {"report", "keep", "--out=" + (root_ / "notes.html").string()},
      {"report", "keep", "--out=" + outside}};
  for (const auto& words : commands) {
    const auto error = run(words);
    ASSERT_TRUE(error.has_value()) << fmt::format("{}", fmt::join(words, " "));
    EXPECT_EQ(ErrorCode::kExists, error->code) << fmt::format("{}: {}", fmt::join(words, " "), error->message);
    EXPECT_EQ(before, everything()) << fmt::format("{}", fmt::join(words, " "));
  }
  EXPECT_EQ("<p>mine</p>", read_file(root_ / "notes.html"));
}

// One rule for what loading reads and what verify asks about: every file that a loader names falls under it.
TEST(LoadedFiles, AreAllKnownToVerify) {
  const std::regex name(R"re("([A-Za-z0-9_-][A-Za-z0-9_.-]*\.([a-z0-9]+))")re");
  // Kinds of files, so that dotted names of tensors and metadata are none; pickles are refused and never read.
  const std::set<std::string> kinds{"json", "jinja",   "txt", "model", "safetensors", "tiktoken", "gguf",
                                    "yaml", "yml",     "csv", "npz",   "npy",         "onnx",     "h5",
                                    "xml",  "msgpack", "py",  "spm",   "bpe",         "codes",    "pb"};
  std::set<std::string> found;
  for (const char* folder : {"formats", "text", "models", "infer"})
    for (const fs::path& source : list_files(fs::path("src") / folder)) {
      const std::string file = source.filename().string();
      if (!file.ends_with(".cc") || file.ends_with("_test.cc") || file.starts_with("langid")) continue;
      const std::string text = read_file(source);
      for (std::sregex_iterator it(text.begin(), text.end(), name), end; it != end; ++it)
        if (kinds.contains((*it)[2])) found.insert((*it)[1]);
    }
  for (const std::string& file : found) EXPECT_TRUE(ledger::is_read_by_loading(file)) << file;
  EXPECT_GE(found.size(), 18u) << "the sources are where this test looks";
}

}  // namespace
}  // namespace maru::cli
