#include "tune/conversations.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/file.h"
#include "formats/token_dataset.h"

namespace maru::tune {
namespace {

class ConversationSetTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(root_);
    formats::TokenDatasetWriter writer(root_, 100, true);
    writer.begin_split("train");
    const auto add = [&](const std::string& mask) {
      std::vector<int32_t> tokens;
      std::vector<uint8_t> bits;
      for (const char bit : mask)
        tokens.push_back(10 + static_cast<int32_t>(tokens.size())), bits.push_back(bit == '1');
      writer.add(tokens, 1, bits);
    };
    for (const char* mask : {"00111", "0011001100", "0000", "110", "00000001", "1", "0101"}) add(mask);
    writer.finish();
  }
  void TearDown() override { fs::remove_all(root_); }
  const fs::path root_ = fs::temp_directory_path() / ("maru_conversations_" + std::to_string(::getpid()));
};

TEST_F(ConversationSetTest, PromptsAreAllThatStandsBeforeTheLastAnswer) {
  const formats::TokenDataset tokens(root_, "train");
  const ConversationSet set(tokens, 6);
  std::vector<int64_t> sizes;
  for (int64_t d = 0; d < set.size(); ++d) sizes.push_back(set.prompt_size(d));
  EXPECT_EQ((std::vector<int64_t>{2, 6, 0, 0, 0, 0, 3}), sizes);
  EXPECT_EQ(4, set.left_out()) << "no answer, nothing before it, longer than 6";
  EXPECT_EQ((std::vector<int32_t>{10, 11, 12, 13, 14, 15}), set.prompt(1)) << "with the answers of before";
}

TEST_F(ConversationSetTest, TheLongestIsIncluded) {
  const formats::TokenDataset tokens(root_, "train");
  EXPECT_EQ(6, ConversationSet(tokens, 6).prompt_size(1));
  EXPECT_EQ(0, ConversationSet(tokens, 5).prompt_size(1));
  EXPECT_EQ(7, ConversationSet(tokens, 7).prompt_size(4));
}

}  // namespace
}  // namespace maru::tune
