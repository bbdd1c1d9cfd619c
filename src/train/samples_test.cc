#include "train/samples.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

namespace maru::train {
namespace {

class SamplesTest : public testing::Test {
 protected:
  void TearDown() override { fs::remove(file_); }
  int64_t rows() const { return std::ranges::count(read_file(file_), '\n'); }
  const fs::path file_ = fs::temp_directory_path() / ("maru_samples_" + std::to_string(::getpid()) + ".jsonl");
};

TEST_F(SamplesTest, WhatAnInterruptedRunSaidIsReplaced) {
  add_samples(file_, 5, {Json{{"answer", "a"}}});
  add_samples(file_, 10, {Json{{"answer", "b"}}, Json{{"answer", "c"}}});
  const std::string uninterrupted = read_file(file_);
  add_samples(file_, 15, {Json{{"answer", "lost"}}});
  add_samples(file_, 10, {Json{{"answer", "b"}}, Json{{"answer", "c"}}});
  EXPECT_EQ(uninterrupted, read_file(file_));
  EXPECT_EQ(R"({"step":5,"answer":"a"})", uninterrupted.substr(0, uninterrupted.find('\n')));
}

TEST_F(SamplesTest, DamageAndBytesThatAreNoTextCostNobodyTheRun) {
  write_file(file_, "{\"step\": 1}\nhalf a li\n[]\n{\"step\": \"x\"}\n");
  add_samples(file_, 2, {Json{{"answer", "\xff"}}});
  EXPECT_EQ(2, rows());
  add_samples(file_, 3, {});
  EXPECT_EQ(2, rows());
}

TEST_F(SamplesTest, TheOldestGiveWay) {
  for (int64_t step = 1; step <= 6; ++step) add_samples(file_, step, std::vector<Json>(300, Json{{"answer", "a"}}));
  EXPECT_EQ(static_cast<int64_t>(kMostSamples), rows());
  EXPECT_EQ(0u, read_file(file_).find("{\"step\":3"));
}

}  // namespace
}  // namespace maru::train
