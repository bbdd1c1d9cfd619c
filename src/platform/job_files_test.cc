#include "platform/job_files.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "base/json.h"
#include "base/utf8.h"

namespace maru::platform {
namespace {

using testing::HasSubstr;

class JobFilesTest : public testing::Test {
 protected:
  JobFilesTest() { fs::create_directories(directory_); }
  ~JobFilesTest() override { fs::remove_all(directory_); }
  void write(const char* name, std::string_view text) const { write_file(directory_ / name, text); }
  Error error_of_job() const {
    try {
      read_job_file(directory_);
    } catch (const Failure& failure) {
      return failure.error();
    }
    return {ErrorCode::kInternal, "no error"};
  }
  const fs::path directory_ = fs::temp_directory_path() / ("maru_job_files_" + std::to_string(::getpid()));
};

TEST_F(JobFilesTest, AJobComesBackAsItWas) {
  write(kJobFile, render_job_file("job-1", {.workspace = "team",
                                            .project = "p",
                                            .by = "me",
                                            .stage = "tune",
                                            .directory = "/",
                                            .config = {{"name", "말"}},
                                            .inputs = {{"base", "ab"}},
                                            .outputs = {"models/말"},
                                            .run = "말"}));
  const JobFile job = read_job_file(directory_);
  EXPECT_EQ("job-1", job.id);
  EXPECT_EQ("job-1", job.name) << "one without a name has its id";
  EXPECT_EQ("말", job.config["name"]);
  EXPECT_EQ("base", job.inputs.at(0).name);
  EXPECT_EQ("models/말", job.outputs.at(0));
}

TEST_F(JobFilesTest, WhatIsDamagedOrNewerIsSaidSo) {
  EXPECT_EQ(ErrorCode::kNotFound, error_of_job().code);
  for (const char* text :
       {"", "{", "[]", "\xff", R"({"format":"1"})", R"({"format":1,"colour":2})", R"({})", R"({"format":1,"id":7})"}) {
    write(kJobFile, text);
    EXPECT_EQ(ErrorCode::kDataLoss, error_of_job().code) << text << ": " << error_of_job().message;
    EXPECT_THAT(error_of_job().message, HasSubstr("job.json"));
  }
  write(kJobFile, R"({"format":2,"planet":"Mars"})");
  EXPECT_EQ(ErrorCode::kUnimplemented, error_of_job().code);
  EXPECT_THAT(error_of_job().message, HasSubstr("is of format 2, of another Maru; this one knows 1"));
}

TEST_F(JobFilesTest, WhatAWorkerLeftHalfIsNothing) {
  for (const char* text : {"", "{\"attempt\":", "7", R"({"attempt":1,"outcome":"maybe"})"}) {
    write(kExitFile, text);
    EXPECT_FALSE(read_exit_file(directory_)) << text;
  }
  write(kExitFile, R"({"attempt":2,"outcome":"error","code":"exhausted","message":"m","results":[]})");
  EXPECT_EQ(2, read_exit_file(directory_).value().attempt);
  EXPECT_FALSE(read_worker_file(directory_));
  EXPECT_FALSE(read_status_file(directory_));
}

TEST_F(JobFilesTest, WhatADeadWorkerHadNotWrittenGoes) {
  for (const char* name : {"exit.json.tmp-12", "status.json.tmp-12", "status.json.tmp-123", "exit.json", "x-12"})
    write(name, "{");
  remove_unfinished(directory_, 12);
  std::vector<std::string> left;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory_))
    left.push_back(entry.path().filename().string());
  EXPECT_THAT(left, testing::UnorderedElementsAre("status.json.tmp-123", "exit.json", "x-12"));
  remove_unfinished(directory_ / "none", 12);
}

TEST_F(JobFilesTest, AllIsNeverDoneBeforeTheEnd) {
  EXPECT_EQ(0, (JobStatus{.done = 5, .total = 0}.percent()));
  EXPECT_EQ(50, (JobStatus{.done = 1, .total = 2}.percent()));
  EXPECT_EQ(99, (JobStatus{.done = 2, .total = 2}.percent()));
  EXPECT_EQ(99, (JobStatus{.done = 1 << 20, .total = 2}.percent()));
  EXPECT_EQ(0, (JobStatus{.done = -5, .total = 2}.percent()));
}

TEST_F(JobFilesTest, PartsAreWholeCharactersAndMakeTheWhole) {
  std::string text;
  for (int i = 0; i < 500; ++i) text += "가b🙂\n";
  write(kLogFile, text);
  for (const size_t limit : {4u, 5u, 7u, 64u, 100'000u}) {
    std::string all;
    for (uint64_t offset = 0;;) {
      const FilePart part = read_part(directory_ / kLogFile, offset, limit);
      EXPECT_EQ(text.size(), part.size);
      if (part.bytes.empty()) break;
      EXPECT_TRUE(is_valid_utf8(part.bytes));
      all += part.bytes;
      offset = part.offset;
    }
    EXPECT_EQ(text, all) << limit;
  }
  EXPECT_EQ("", read_part(directory_ / kLogFile, text.size() + 1, 10).bytes);
  EXPECT_EQ("", read_part(directory_ / "none", 0, 10).bytes);
  write(kLogFile, "\xea\xb0");  // the beginning of a character, and no more will come
  EXPECT_EQ(2u, read_part(directory_ / kLogFile, 0, 10).bytes.size());
}

// A log of a gigabyte, all of it one line but for the end; its end is all that is read.
TEST_F(JobFilesTest, TheLastWordsAreFewHoweverLongTheLog) {
  EXPECT_EQ("", last_words(directory_ / kLogFile));
  write(kLogFile, "a\nb\n\nc\nd\n");
  EXPECT_EQ("\nc\nd", last_words(directory_ / kLogFile));
  fs::resize_file(directory_ / kLogFile, uint64_t{1} << 30);
  const std::string end = "\n" + std::string(2000, 'x') + "\n\xff why\n";
  {
    std::FILE* file = std::fopen((directory_ / kLogFile).c_str(), "a");
    ASSERT_EQ(end.size(), std::fwrite(end.data(), 1, end.size(), file));
    std::fclose(file);
  }
  const std::string words = last_words(directory_ / kLogFile);
  EXPECT_THAT(words, testing::EndsWith("\n\uFFFD why"));
  EXPECT_LT(words.size(), 1500u);
  EXPECT_EQ(5u, read_part(directory_ / kLogFile, uint64_t{1} << 29, 5).bytes.size());
}

}  // namespace
}  // namespace maru::platform
