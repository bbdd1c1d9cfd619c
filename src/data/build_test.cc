// The whole build: what it writes, and what it does with bad input.
#include "data/build.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <set>

#include "base/byte_source.h"
#include "base/cancel.h"
#include "base/random.h"
#include "data/report.h"
#include "data/zstd_file.h"
#include "ledger/verify.h"

namespace maru::data {
namespace {

using testing::HasSubstr;

std::string prose(uint64_t seed, int sentences = 12) {
  constexpr const char* kWords[] = {"사람은", "바다를",   "조용히",   "오래된",   "나무와", "책상에서",
                                    "걸었고", "바람이",   "불어와",   "편지를",   "읽으며", "저녁마다",
                                    "산길로", "돌아가는", "아이들과", "노래하던", "마을의", "기억을"};
  Random random(seed);
  std::string text;
  for (int i = 0; i < sentences; ++i) {
    for (int k = 0; k < 7; ++k)
      text += std::string(kWords[random.below(std::size(kWords))]) + std::to_string(random.below(90)) + " ";
    text += "보았다.\n";
  }
  return text;
}

class BuildTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(corpus_ / "sub");
    config_.inputs = {{corpus_.string()}};
    options_.output = root_ / "home/datasets/d";
    options_.home = root_ / "home";
    options_.watch = {.cancel = &cancel_};
    options_.identify = [](std::string_view text) {
      return text::LanguageGuess{text.find("다") != text.npos ? "ko" : "en", 0.9};
    };
  }
  void TearDown() override { fs::remove_all(root_); }

  void put(const std::string& name, std::string_view bytes) {
    std::ofstream(corpus_ / name, std::ios::binary) << bytes;
  }
  // Sixty documents that pass, and one for each way to be dropped or changed.
  void fill() {
    for (int i = 0; i < 60; ++i) put("p" + std::to_string(100 + i) + ".txt", prose(static_cast<uint64_t>(i)));
    put("q-copy.md", prose(3));
    put("q-near.txt", prose(4, 30) + "덧붙인 문장이다.\n");
    put("q-near0.txt", prose(4, 30));
    put("r.html", "<body><nav>차림</nav><main><h1>제목</h1><p>" + prose(1000) + "전화 010-1234-5678</p></main></body>");
    put("s-short.txt", "짧다.");
    put("s-english.txt",
        "An English text that is long enough to pass the filter of length but is in another language.\n");
    put("s-cp949.txt", "\xC7\xD1\xB1\xDB\xC0\xCC\xB4\xD9.");
    put("s-bad.txt", "한글 \xff\xfe\xff 깨진 글");
    put("s-binary", std::string("\x7f"
                                "ELF\0\0\0\1",
                                8));
    put("s-image.png", "x");
    ZstdFile lines(corpus_ / "sub/lines.jsonl.zst");
    lines.write("{\"text\": \"짧은 줄이다.\", \"n\": 1}\n\n");
    for (uint64_t i = 2001; i < 2010; ++i) lines.write(Json{{"text", prose(i)}}.dump() + "\n");
    lines.commit();
  }
  BuildResult build(int threads = 2) {
    ThreadPool pool(threads);
    return build_dataset(config_, options_, pool);
  }
  Error error_of_build() {
    try {
      build();
    } catch (const Failure& e) {
      return e.error();
    }
    ADD_FAILURE() << "expected a Failure";
    return {};
  }
  std::vector<Json> documents(const char* split) const {
    std::vector<Json> all;
    LineReader lines(options_.output / (std::string(split) + ".jsonl.zst"));
    while (const auto line = lines.next()) all.push_back(Json::parse(*line));
    return all;
  }
  static int64_t dropped(const Json& report, std::string_view step, std::string_view reason) {
    for (const Json& s : report["steps"])
      for (const Json& r : s["reasons"])
        if (s["name"] == step && r["reason"] == reason) return r["documents"];
    return 0;
  }

  const fs::path root_ = fs::temp_directory_path() / ("maru_build_" + std::to_string(::getpid()));
  const fs::path corpus_ = root_ / "corpus";
  BuildConfig config_;
  CancelToken cancel_;
  BuildOptions options_;
};

TEST_F(BuildTest, CountsEveryDocumentOnceAndKeepsTheRightOnes) {
  fill();
  config_.language.keep = {"ko"};
  const Json report = build().report;
  EXPECT_EQ(report, read_json(options_.output / "report.json"));
  EXPECT_EQ(80, report["documents_in"].get<int64_t>());
  for (const auto& [step, reason] :
       std::vector<std::pair<const char*, const char*>>{{"read", "unknown_format"},
                                                        {"read", "binary"},
                                                        {"read", "undecodable"},
                                                        {"language", "wrong_language"},
                                                        {"exact_duplicates", "duplicate"},
                                                        {"near_duplicates", "near_duplicate"}})
    EXPECT_EQ(1, dropped(report, step, reason)) << step << " " << reason;
  EXPECT_EQ(3, dropped(report, "quality", "too_short")) << "s-short, s-cp949 (decoded), the first line";
  int64_t in = 80;
  Json bytes;  // that the step before passed on
  for (const Json& step : report["steps"]) {
    if (!bytes.is_null()) {
      EXPECT_EQ(bytes, step["bytes_in"]) << step["name"];
    }
    bytes = step["bytes_out"];
    EXPECT_EQ(in, step["documents_in"].get<int64_t>()) << step["name"];
    for (const Json& reason : step["reasons"]) in -= reason["documents"].get<int64_t>();
    EXPECT_EQ(in, step["documents_out"].get<int64_t>()) << step["name"];
  }
  const auto train = documents("train"), held_out = documents("held_out");
  EXPECT_EQ(71u, train.size() + held_out.size());
  EXPECT_GE(held_out.size(), 1u);
  EXPECT_LT(held_out.size(), 15u);
  EXPECT_THAT(report_table(report), HasSubstr("near_duplicate"));
}

TEST_F(BuildTest, DuplicatesThatAreShownNameTheFirstOfThem) {
  fill();
  for (int i = 0; i < 4; ++i) put("z-copy" + std::to_string(i) + ".txt", prose(static_cast<uint64_t>(10 + i)));
  const Json report = build().report;
  std::vector<std::string> pairs;
  for (const Json& step : report["steps"])
    for (const Json& reason : step["reasons"])
      for (const Json& sample : reason["samples"])
        if (sample.contains("duplicate_of"))
          pairs.push_back(sample["source"].get<std::string>() + " " + sample["duplicate_of"].get<std::string>());
  EXPECT_THAT(pairs,
              testing::ElementsAre("corpus/q-copy.md corpus/p103.txt", "corpus/z-copy0.txt corpus/p110.txt",
                                   "corpus/z-copy1.txt corpus/p111.txt", "corpus/q-near0.txt corpus/q-near.txt"));
  EXPECT_EQ(5, dropped(report, "exact_duplicates", "duplicate"));
}

TEST_F(BuildTest, DocumentsAreCleanAndNamed) {
  put("r.html", "<body><nav>차림</nav><main><h1>제목</h1><p>" + prose(1) + "전화 010-1234-5678</p></main></body>");
  config_.split.held_out = 0;
  build();
  const auto train = documents("train");
  ASSERT_EQ(1u, train.size());
  EXPECT_THAT(train[0]["text"].get<std::string>(), HasSubstr("# 제목\n\n"));
  EXPECT_THAT(train[0]["text"].get<std::string>(), HasSubstr("전화 [PHONE]"));
  EXPECT_EQ("corpus/r.html", train[0]["source"]);
  EXPECT_EQ("ko", train[0]["language"]);
  EXPECT_EQ(document_id(train[0]["text"].get<std::string>()), train[0]["id"].get<std::string>());
}

TEST_F(BuildTest, SameBytesForAnyNumberOfThreads) {
  fill();
  std::vector<std::string> manifests;
  for (const int threads : {1, 2, 5}) {
    options_.force = true;
    build(threads);
    manifests.push_back(read_file(options_.output / "manifest.json"));
  }
  EXPECT_EQ(manifests[0], manifests[1]);
  EXPECT_EQ(manifests[0], manifests[2]);
}

TEST_F(BuildTest, SkipsWhatIsCurrentAndNoticesChanges) {
  fill();
  EXPECT_FALSE(build().skipped);
  EXPECT_TRUE(build().skipped);
  put("new.txt", prose(77));
  EXPECT_FALSE(build().skipped);
  config_.split.held_out = 0.2;
  EXPECT_FALSE(build().skipped);
  EXPECT_TRUE(build().skipped);
}

TEST_F(BuildTest, VerifyNamesAnyChangedFile) {
  fill();
  build();
  ASSERT_TRUE(ledger::verify(options_.output).ok()) << ledger::verify(options_.output).text();
  for (const fs::path& file : list_files(root_)) {
    const std::string good = read_file(file);
    std::string bad = good;
    bad[bad.size() / 2] = static_cast<char>(bad[bad.size() / 2] ^ 16);
    std::ofstream(file, std::ios::binary) << bad;
    EXPECT_THAT(ledger::verify(options_.output).text(), HasSubstr("FAILED   " + file.string()));
    std::ofstream(file, std::ios::binary) << good;
  }
}

TEST_F(BuildTest, MalformedLinesNameFileAndLineOrAreCounted) {
  put("a.jsonl", "{\"text\": \"" + prose(1).substr(0, 30) + "\"}\n{\"text\": 3}\n{\"body\": \"x\"}\n{broken\n");
  put("b.txt", prose(5));
  EXPECT_THAT(error_of_build().message,
              HasSubstr("a.jsonl:2: expected an object with a string \"text\", got \"text\" as number"));
  put("a.jsonl", "{\"body\": \"x\"}\n");
  EXPECT_THAT(error_of_build().message, HasSubstr("got the fields body"));
  put("a.jsonl", "\n{broken\n");
  EXPECT_THAT(error_of_build().message, HasSubstr("a.jsonl:2"));
  EXPECT_FALSE(fs::exists(options_.output)) << "a failed build leaves nothing";
  put("a.jsonl", "\n{broken\n{\"text\": \"\xff\"}\n");
  config_.skip_malformed = true;
  const Json report = build().report;
  EXPECT_EQ(1, dropped(report, "read", "malformed"));
  EXPECT_EQ(1, dropped(report, "read", "undecodable"));
}

TEST_F(BuildTest, DocumentsOfLinesAreNamedByFileAndLine) {
  put("a.jsonl", Json{{"text", prose(1)}}.dump() + "\n\n" + Json{{"text", prose(2)}}.dump() + "\n");
  config_.split.held_out = 0;
  build();
  const auto train = documents("train");
  ASSERT_EQ(2u, train.size());
  EXPECT_EQ("corpus/a.jsonl:1", train[0]["source"]);
  EXPECT_EQ("corpus/a.jsonl:3", train[1]["source"]) << "empty lines count";
}

TEST_F(BuildTest, DocumentsKeepTheirSplitWhenOthersCome) {
  config_.split.held_out = 0.2;
  for (int i = 0; i < 40; ++i) put("p" + std::to_string(100 + i) + ".txt", prose(static_cast<uint64_t>(i)));
  build();
  std::set<std::string> before;
  for (const Json& document : documents("held_out")) before.insert(document["id"]);
  EXPECT_GT(before.size(), 2u);
  for (int i = 0; i < 10; ++i) put("a" + std::to_string(i) + ".txt", prose(static_cast<uint64_t>(500 + i)));
  build();
  std::set<std::string> after;
  for (const Json& document : documents("held_out")) after.insert(document["id"]);
  for (const Json& document : documents("train")) EXPECT_FALSE(before.contains(document["id"]));
  EXPECT_GE(after.size(), before.size());
}

TEST_F(BuildTest, TwoDocumentsAreEnoughForBothSplits) {
  put("a.txt", prose(1));
  put("b.txt", prose(2));
  config_.split.held_out = 0.001;
  build();
  EXPECT_EQ(1u, documents("train").size());
  EXPECT_EQ(1u, documents("held_out").size());
}

TEST_F(BuildTest, TheEndOfTheOnlyDocumentIsHeldOut) {
  put("a.txt", prose(1, 200));
  const Json report = build().report;
  const auto train = documents("train"), held_out = documents("held_out");
  ASSERT_EQ(1u, train.size());
  ASSERT_EQ(1u, held_out.size());
  const std::string begin = train[0]["text"], end = held_out[0]["text"];
  EXPECT_EQ(prose(1, 200).substr(0, 100), begin.substr(0, 100));
  EXPECT_NEAR(0.05, static_cast<double>(end.size()) / static_cast<double>(begin.size() + end.size()), 0.01);
  EXPECT_EQ(begin.npos, begin.find(end));
  EXPECT_EQ("corpus/a.txt", held_out[0]["source"]);
  EXPECT_NE(train[0]["id"], held_out[0]["id"]);
  EXPECT_EQ(1, report["documents_out"]);
  EXPECT_EQ(1, report["steps"].back()["changes"]["documents_cut"]);
  put("a.txt",
      "한 줄로 된 글은 나눌 곳이 없어서 모두 학습에 쓰인다. 그래도 짧지 않게 조금 더 길게 써 둔다. 백 글자를 넘겨야 "
      "하니 "
      "나무와 바다와 오래된 편지와 저녁마다 걷던 산길에 대해서도 몇 마디 적어 둔다. 이제 넉넉하다.");
  build();
  EXPECT_EQ(1u, documents("train").size());
  EXPECT_EQ(0u, documents("held_out").size());
}

TEST_F(BuildTest, CorruptCompressedFilesAreNamed) {
  ZstdFile file(corpus_ / "a.txt.zst");
  file.write(prose(1, 500));
  file.commit();
  const std::string bytes = read_file(corpus_ / "a.txt.zst");
  put("a.txt.zst", bytes.substr(0, bytes.size() / 2));
  const Error error = error_of_build();
  EXPECT_EQ(ErrorCode::kDataLoss, error.code);
  EXPECT_THAT(error.message, HasSubstr("a.txt.zst"));
}

TEST_F(BuildTest, EmptyCorpusSaysWhatDroppedHowMuch) {
  EXPECT_THAT(error_of_build().message, HasSubstr("contains no files"));
  put("a.txt", "짧다.");
  put("b.png", "x");
  const Error error = error_of_build();
  EXPECT_EQ(ErrorCode::kInvalidArgument, error.code);
  EXPECT_THAT(error.message, HasSubstr("empty corpus: of 2 documents none is left"));
  EXPECT_THAT(error.message, HasSubstr("1 too_short (quality)"));
  EXPECT_THAT(error.message, HasSubstr("1 unknown_format (read)"));
  config_.inputs[0].path = (root_ / "nowhere").string();
  EXPECT_EQ(ErrorCode::kNotFound, error_of_build().code);
}

TEST_F(BuildTest, LinksOutOfTheCorpusAreCountedAndNotRead) {
  write_file(root_ / "private.key", prose(9));
  fs::create_symlink(root_ / "private.key", corpus_ / "key.txt");
  put("a.txt", prose(1));
  const Json report = build().report;
  EXPECT_EQ(1, dropped(report, "read", "link"));
  EXPECT_EQ(1, report["documents_out"].get<int64_t>());
  EXPECT_THAT(read_file(options_.output / "report.txt"), HasSubstr("corpus/key.txt"));
  EXPECT_EQ(std::string::npos, read_file(options_.output / "manifest.json").find("key"));
  config_.inputs.push_back({(corpus_ / "key.txt").string()});
  EXPECT_EQ(2, build().report["documents_out"].get<int64_t>()) << "named by the user";
}

TEST_F(BuildTest, NamesThatAreNotUtf8AreEscapedAndVerify) {
  const std::string name = "\xC7\xD1\xB1\xDB \\ \n.txt";
  put(name, prose(1));
  put("\xff.pdf", "x");
  const Json report = build().report;
  EXPECT_EQ("corpus/\\xc7ѱ\\xdb \\\\ \\x0a.txt", documents("train")[0]["source"]);
  EXPECT_EQ(1, report["steps"][0]["unknown_formats"][".pdf"].get<int64_t>());
  EXPECT_TRUE(ledger::verify(options_.output).ok()) << ledger::verify(options_.output).text();
  put(name, prose(2));
  EXPECT_FALSE(ledger::verify(options_.output).ok()) << "the manifest finds the file by its escaped name";
}

TEST_F(BuildTest, UnknownFormatsAreNamedWithWhatIsRead) {
  put("a.PDF", "x");
  put("b.pdf.gz", "x");
  put("c.docx", "x");
  put("d.hwpx", "x");
  const Error error = error_of_build();
  EXPECT_THAT(error.message,
              HasSubstr("4 unknown_format (read); of unknown formats are 1 .docx, 1 .hwpx, 2 .pdf; what is read: "
                        ".html .htm"));
  put("e.txt", prose(1));
  EXPECT_EQ(2, build().report["steps"][0]["unknown_formats"][".pdf"].get<int64_t>());
  EXPECT_THAT(read_file(options_.output / "report.txt"), HasSubstr(".hwpx"));
}

TEST_F(BuildTest, FilesThatChangeMeanwhileAreNoticed) {
  put("a.txt", prose(1));
  put("b.txt", prose(2));
  options_.identify = [this](std::string_view) {  // in the middle of the build
    put("b.txt", prose(3) + "!");
    return text::LanguageGuess{"ko", 0.9};
  };
  const Error error = error_of_build();
  EXPECT_EQ(ErrorCode::kDataLoss, error.code);
  EXPECT_THAT(error.message, HasSubstr("b.txt: changed while the dataset was built"));
  EXPECT_FALSE(fs::exists(options_.output));
}

TEST_F(BuildTest, DamageIsCountedAndItsShareIsTheRecipes) {
  put("a.txt", prose(1) + "\xff" + prose(2));
  put("b.txt", "\xff\xff\xff\xff" + prose(3, 2));
  put("c.html", "<meta charset=euc-kr><main><ruby>\xB0\xAD<rt>x</rt></ruby>" + std::string(300, 'a') + "</main>");
  config_.quality.enabled = false;
  const Json step = build().report["steps"][0];
  EXPECT_EQ(1, step["changes"]["undecodable_bytes"].get<int64_t>());
  EXPECT_EQ(1, step["changes"]["from euc-kr"].get<int64_t>());
  EXPECT_EQ(1, dropped(build().report, "read", "undecodable"));
  config_.max_undecodable = 0.1;
  EXPECT_EQ(5, build().report["steps"][0]["changes"]["undecodable_bytes"].get<int64_t>());
}

TEST_F(BuildTest, LargeFilesAreSkippedAlsoWhenOnlyTheirContentIsLarge) {
  ZstdFile bomb(corpus_ / "bomb.txt.zst");
  bomb.write(std::string(10 << 20, 'a'));
  bomb.commit();
  put("a.txt", prose(1));
  config_.max_file_bytes = 1 << 20;
  EXPECT_EQ(1, dropped(build().report, "read", "too_large"));
}

TEST_F(BuildTest, InterruptionAndKillLeaveTheOldDataset) {
  fill();
  build();
  const std::string before = read_file(options_.output / "manifest.json");
  put("new.txt", prose(78));
  cancel_.cancel();
  EXPECT_EQ(ErrorCode::kCancelled, error_of_build().code);
  cancel_.reset();
  EXPECT_EQ(before, read_file(options_.output / "manifest.json"));
  Random random(1);
  for (int i = 0; i < 10; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      build(1);
      ::_exit(0);
    }
    ::usleep(static_cast<useconds_t>(random.below(30000)));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ASSERT_TRUE(ledger::verify(options_.output).ok()) << "old or new, but whole";
  }
  build();
  EXPECT_EQ(1, std::distance(fs::directory_iterator(root_ / "home/datasets"), {})) << "no leftovers";
}

TEST_F(BuildTest, RecipeRoundTripsAndNamesUnknownKeys) {
  const BuildConfig config = from_json<BuildConfig>(read_yaml("recipes/data/korean.yaml"), "korean.yaml");
  EXPECT_EQ(3u, config.inputs.size());
  EXPECT_EQ(to_json(config), to_json(from_json<BuildConfig>(to_json(config), "")));
  try {
    from_json<BuildConfig>(Json{{"duplicates", {{"treshold", 0.5}}}}, "r.yaml");
    FAIL();
  } catch (const Failure& e) {
    EXPECT_THAT(e.error().message, HasSubstr("threshold"));
  }
}

/// Pages of Markdown with front matter and short codes around the paragraphs of tests/texts; at full scale 2 MB of real
/// ones.
fs::path korean_documentation(const fs::path& home) {
  if (const fs::path real = "../shared/data/k8s_docs/ko.jsonl.zst"; fs::exists(real)) return real;
  std::istringstream text(read_file("tests/texts/ko.txt"));
  std::string pages;
  for (std::string one, two; std::getline(text, one) && std::getline(text, two);) {
    const std::string page = "---\ntitle: 쪽\ncontent_type: concept\n---\n\n# 제목\n\n" + one +
                             "\n\n{{< glossary_tooltip term_id=\"마루\" >}}\n\n{{< note >}}\n" + two +
                             "\n{{< /note >}}\n";
    pages += Json{{"text", page}}.dump() + "\n";
  }
  write_file(home / "ko.jsonl", pages);
  return home / "ko.jsonl";
}

TEST_F(BuildTest, KoreanDocumentation) {
  const fs::path path = korean_documentation(root_);
  const bool full = path.extension() == ".zst";
  config_.inputs = {{path.string(), "auto", "text", "markdown"}};
  config_.language.keep = {"ko"};
  config_.quality.max_duplicate_ngrams = 0.4;
  options_.identify = {};
  const Json report = build().report;
  EXPECT_EQ(full ? 550 : 7, report["documents_in"].get<int64_t>());
  EXPECT_GT(report["documents_out"].get<int64_t>(), full ? 350 : 3);
  int tooltips = 0;
  for (const Json& document : documents("train")) {
    const std::string text = document["text"];
    tooltips += text.find("{{< glossary_tooltip") != std::string::npos;
    EXPECT_NE(0u, text.find("---\n")) << document["source"];
  }
  EXPECT_LE(tooltips, full ? 3 : 0) << "only pages that show short codes as code";
}

}  // namespace
}  // namespace maru::data
