#include "text/langid/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "text/langid/examples.h"
#include "text/langid/file.h"

namespace maru::text {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Sentences over two made-up vocabularies, and Korean, as `LANGUAGE/text.txt`.
class LangidTrainer : public testing::Test {
 protected:
  void SetUp() override {
    corpus_ = fs::temp_directory_path() /
              ("langid_trainer_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(corpus_);
    write("de", sentences({"das", "wetter", "ist", "heute", "sehr", "gut", "und", "der", "weg", "lang"}, 300));
    write("nl", sentences({"het", "weer", "is", "vandaag", "zeer", "goed", "en", "de", "weg", "lang"}, 300));
    write("ko", sentences({"오늘", "날씨가", "매우", "좋고", "길이", "멀다", "그리고", "우리는", "간다", "집에"}, 100));
    config_.sources = {{"made", "CC0-1.0", "{language}/*.txt"}};
    config_.languages = {"de", "nl", "ko"};
    config_.examples = 400;
    config_.min_ngrams = 300;
    config_.epochs = 3;
  }
  void TearDown() override { fs::remove_all(corpus_); }

  void write(const std::string& language, const std::string& text) {
    fs::create_directories(corpus_ / language);
    write_file(corpus_ / language / "text.txt", text);
  }
  static std::string sentences(const std::vector<std::string>& words, int count) {
    Random random(words[0].size());
    std::string text;
    for (int i = 0; i < count; ++i) {
      for (int j = 0; j < 8; ++j) text += words[random.below(words.size())] + " ";
      text += "\n\n";
    }
    return text;
  }

  fs::path corpus_;
  LangidConfig config_;
};

TEST_F(LangidTrainer, LearnsToTellLanguagesApart) {
  const LangidTraining training = train_langid(config_, corpus_);
  EXPECT_THAT(training.model.languages, ElementsAre("de", "ko", "nl"));
  const LanguageIdentifier identifier(training.model);
  EXPECT_EQ(identifier.identify("das wetter ist gut").language, "de");
  EXPECT_EQ(identifier.identify("het weer is goed").language, "nl");
  EXPECT_EQ(identifier.identify("오늘 날씨가 좋고").language, "ko");
  for (const auto& [language, accuracy] : training.held_out) {
    EXPECT_GT(accuracy.paragraphs, 0) << language;
    EXPECT_EQ(accuracy.right, accuracy.paragraphs) << language;
  }
}

TEST_F(LangidTrainer, SameRecipeSameBytes) {
  const std::string first = serialise_langid(train_langid(config_, corpus_).model);
  EXPECT_EQ(serialise_langid(train_langid(config_, corpus_).model), first);
  config_.seed = 2;
  EXPECT_NE(serialise_langid(train_langid(config_, corpus_).model), first);
}

TEST_F(LangidTrainer, MislabelledParagraphsAreDropped) {
  write("nl/wrong", sentences({"das", "wetter", "ist", "heute", "sehr", "gut", "und", "der"}, 10));
  config_.sources[0].files = "{language}/**.txt";
  config_.mislabelled = 0.2;
  const int64_t dropped = train_langid(config_, corpus_).mislabelled;
  EXPECT_GE(dropped, 5);
  EXPECT_LE(dropped, 10);
}

TEST_F(LangidTrainer, ForeignRepeatedAndShortParagraphsAreNotGathered) {
  write("de", "dieser Satz steht zweimal da\n\ndieser Satz steht zweimal da\n\nkurz\n\nthis sentence is in both\n\n");
  write("en", "this sentence is in both\n\n");
  write("nl", "deze zin staat in twee talen\n\n");
  write("af", "deze zin staat in twee talen\n\n");
  write("ko", "한국어 문장으로 된 아주 긴 문단입니다\n\nan English paragraph in the Korean folder\n\n");
  config_.languages = {"af", "de", "en", "ko", "nl"};
  std::vector<std::string> found;
  for (const auto& one : gather_paragraphs(config_, corpus_, LetterTable(), {}))
    found.push_back(one.language + ": " + one.text);
  EXPECT_THAT(found, ElementsAre("de: dieser Satz steht zweimal da", "en: this sentence is in both",
                                 "ko: 한국어 문장으로 된 아주 긴 문단입니다"));
}

TEST_F(LangidTrainer, EachSourceIsBounded) {
  config_.max_paragraphs = 7;
  EXPECT_EQ(gather_paragraphs(config_, corpus_, LetterTable(), {}).size(), 3u * 7);
}

TEST_F(LangidTrainer, FilesOfASourceAreBounded) {
  for (const std::string name : {"a", "b", "c"}) write("sv/" + name, "det här är filen som heter " + name + "\n");
  config_.sources[0].files = "{language}/**.txt";
  config_.languages = {"sv"};
  for (const int files : {1, 2, 3, 100}) {
    config_.max_files = files;
    EXPECT_EQ(gather_paragraphs(config_, corpus_, LetterTable(), {}).size(), std::min<size_t>(files, 3)) << files;
  }
}

TEST_F(LangidTrainer, ASourceWithoutFilesIsNamed) {
  config_.sources.push_back({"absent", "CC0-1.0", "nowhere/{language}.mo"});
  try {
    train_langid(config_, corpus_);
    ADD_FAILURE() << "a missing source was accepted";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), ErrorCode::kNotFound);
    EXPECT_THAT(failure.what(), HasSubstr("source absent: no file fits nowhere/{language}.mo"));
  }
}

TEST_F(LangidTrainer, PiecesAreTheWholeParagraph) {
  const std::string text = sentences({"eins", "zwei", "drei"}, 1) + "한국어글자는띄어쓰기없이도잘려야한다";
  config_.min_letters = 5;
  config_.max_letters = 10;
  Random random(7);
  std::string joined;
  for (const std::string_view piece : cut_paragraph(config_, text, random)) joined += piece;
  EXPECT_EQ(joined, text);
}

}  // namespace
}  // namespace maru::text
