// Which rows a task draws, and what is said of them.
#include "eval/classify.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "models/weights.h"
#include "tensor/cpu_device.h"
#include "text/tokenizer/train/testing.h"

namespace maru::eval {
namespace {

class ClassifyTest : public testing::Test {
 protected:
  fs::path file_ = fs::temp_directory_path() / ("classify_test." + std::to_string(::getpid()) + ".jsonl");
  ThreadPool pool_{2};
  CpuDevice device_{&pool_};
  StepMemory memory_{device_};
  text::Tokenizer tokenizer_ = text::small_tokenizer();
  Decoder model_{resolve({.vocab_size = tokenizer_.vocab_size(),
                          .hidden_size = 32,
                          .intermediate_size = 48,
                          .num_hidden_layers = 1,
                          .num_attention_heads = 2,
                          .num_key_value_heads = 2,
                          .max_position_embeddings = 64,
                          .initializer_range = 0.3}),
                 Dtype::kF32};
  void SetUp() override {
    allocate_values(model_);
    initialise(model_, 1);
  }
  void TearDown() override { fs::remove(file_); }

  ClassifyConfig task(int64_t samples) const {
    return {.name = "t",
            .file = file_.string(),
            .prompt = "{text} the",
            .labels = {{.name = "bad", .wording = " ab", .low = 0, .high = 0},
                       {.name = "good", .wording = " the", .low = 1, .high = 1}},
            .samples = samples};
  }
  // The same text whatever the label: every row gets one answer.
  void write_rows(int bad, int good, const std::string& between = "") {
    std::string rows;
    for (int i = 0; i < bad; ++i) rows += "{\"text\": \"ab\", \"label\": 0}\n" + between;
    for (int i = 0; i < good; ++i) rows += "{\"text\": \"ab\", \"label\": 1}\n" + between;
    write_file(file_, rows);
  }
  ClassifyResult run(int64_t samples) { return classify(memory_, model_, tokenizer_, task(samples)); }
};

TEST_F(ClassifyTest, OneAnswerForAllIsWorthHalfHoweverFewRowsALabelHas) {
  for (const auto& [bad, good] : std::vector<std::pair<int, int>>{{30, 30}, {30, 7}, {3, 30}, {1, 1}}) {
    write_rows(bad, good);
    const ClassifyResult r = run(40);
    const int64_t each = std::min({bad, good, 20});
    EXPECT_EQ(2 * each, r.samples) << bad << " and " << good;
    EXPECT_EQ(each, r.correct);
    EXPECT_DOUBLE_EQ(0.5, r.chance);
    EXPECT_EQ(bad == good || each == 20, r.note.empty()) << r.note;
  }
}

TEST_F(ClassifyTest, SaysWhichLabelIsRare) {
  write_rows(3, 30);
  EXPECT_EQ("3 of each label, because bad has no more", run(40).note);
}

TEST_F(ClassifyTest, BlankLinesAreNoRows) {
  for (const char* blank : {"\n", "  \n", "\t\r\n", "\r\n"}) {
    write_rows(4, 4, blank);
    EXPECT_EQ(8, run(100).samples);
  }
}

TEST_F(ClassifyTest, BadRowsAreRefusedByLineAndField) {
  const std::vector<std::pair<std::string, std::string>> kRows{
      {"{\"text\": \"a\"}", "label: is missing, expected a number"},
      {"{\"label\": 1}", "text: is missing, expected a string"},
      {"{\"text\": 1, \"label\": 1}", "text: expect"},
      {"{\"text\": \"a\", \"label\": \"1\"}", "label: expect"},
      {"[1]", "expected an object, got [1]"},
      {"{", ":2"},
      {"null", "text: is missing"}};
  for (const auto& [row, said] : kRows) {
    write_file(file_, "{\"text\": \"ab\", \"label\": 0}\n" + row + "\n");
    try {
      run(10);
      ADD_FAILURE() << "accepted " << row;
    } catch (const Failure& failure) {
      const std::string message = failure.what();
      EXPECT_NE(message.find(said), std::string::npos) << message;
      EXPECT_NE(message.find(".jsonl:2"), std::string::npos) << message;
    }
  }
}

TEST_F(ClassifyTest, ALabelWithoutRowsIsNamed) {
  write_rows(5, 0);
  try {
    run(10);
    FAIL() << "expected a Failure";
  } catch (const Failure& failure) {
    EXPECT_NE(std::string(failure.what()).find("no row has label good"), std::string::npos) << failure.what();
  }
}

}  // namespace
}  // namespace maru::eval
