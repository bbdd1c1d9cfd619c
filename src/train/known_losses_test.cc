#include "train/known_losses.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace maru::train {
namespace {

class KnownLossesTest : public testing::Test {
 protected:
  void SetUp() override { fs::remove(file_); }
  void TearDown() override { fs::remove(file_); }
  KnownLosses open(uint64_t bound = 7) {
    return {file_, bound, [this](const std::string& message) { warnings_ += message + "\n"; }};
  }
  static std::vector<std::vector<float>> examples(int count, float first) {
    std::vector<std::vector<float>> all;
    for (int i = 0; i < count; ++i) all.emplace_back(static_cast<size_t>(i % 4), first + static_cast<float>(i));
    return all;
  }
  static std::vector<std::vector<float>> held(const KnownLosses& known) {
    std::vector<std::vector<float>> all;
    for (int64_t i = 0; i < known.size(); ++i) all.emplace_back(known.of(i).begin(), known.of(i).end());
    return all;
  }
  const fs::path file_ = fs::temp_directory_path() / ("maru_known_" + std::to_string(::getpid()));
  std::string warnings_;
};

TEST_F(KnownLossesTest, WhatIsAppendedIsThereAgain) {
  std::vector<std::vector<float>> all;
  for (const float first : {1.f, 2.f, 3.f}) {
    KnownLosses known = open();
    EXPECT_EQ(all, held(known));
    const auto more = examples(5, first);
    known.append(more);
    all.insert(all.end(), more.begin(), more.end());
    EXPECT_EQ(all, held(known));
  }
  EXPECT_EQ(all, held(open()));
  EXPECT_EQ("", warnings_);
}

// Wherever a crash cuts the file off, and whichever bit flips: what is before it stays, and what is behind is dropped.
TEST_F(KnownLossesTest, WhatIsDamagedGoesWithAllBehindIt) {
  {
    KnownLosses known = open();
    for (const float first : {1.f, 2.f, 3.f}) known.append(examples(4, first));
  }
  const std::string whole = read_file(file_);
  const size_t record = whole.size() / 3;
  for (size_t cut = 0; cut <= whole.size(); ++cut) {
    write_file(file_, whole.substr(0, cut));
    EXPECT_EQ(static_cast<int64_t>(4 * (cut / record)), open().size()) << cut;
    EXPECT_EQ(cut / record * record, fs::file_size(file_)) << cut;
  }
  warnings_.clear();
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x40);
    write_file(file_, flipped);
    EXPECT_EQ(static_cast<int64_t>(4 * (at / record)), open().size()) << at;
  }
  EXPECT_NE(std::string::npos, warnings_.find("are damaged or of another reference: what they were is computed again"));
  write_file(file_, whole.substr(record));  // records know their place
  EXPECT_EQ(0, open().size());
  write_file(file_, std::string(1000, '\xff'));  // sizes beyond any memory
  EXPECT_EQ(0, open().size());
}

TEST_F(KnownLossesTest, AnothersAreNotBelieved) {
  open(7).append(examples(4, 1));
  EXPECT_EQ(0, open(8).size());
  EXPECT_NE("", warnings_);
  EXPECT_EQ(0u, fs::file_size(file_));
}

TEST_F(KnownLossesTest, RowsThatCountBringThem) {
  KnownLosses known = open();
  known.append({{{0.5f, 1.5f}, {2.5f}}});
  MicroBatch batch;
  batch.targets = {-1, 4, 5};
  known.append_to(batch, 0, 0);
  batch.targets.insert(batch.targets.end(), {-1, -1, 6, -1});
  known.append_to(batch, 1, 3);
  EXPECT_EQ((std::vector<float>{0, 0.5f, 1.5f, 0, 0, 2.5f, 0}), batch.reference);
}

TEST_F(KnownLossesTest, PlacesThatCannotBeWrittenAreNamed) {
  try {
    KnownLosses("/no/such/place", 1, [](const std::string&) {});
    FAIL();
  } catch (const Failure& e) {
    EXPECT_NE(std::string::npos, std::string(e.what()).find("/no/such/place"));
  }
}

}  // namespace
}  // namespace maru::train
