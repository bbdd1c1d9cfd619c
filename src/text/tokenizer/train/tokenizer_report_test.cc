#include "text/tokenizer/train/tokenizer_report.h"

#include <gmock/gmock.h>

#include "base/json.h"
#include "text/tokenizer/train/testing.h"

namespace maru::text {
namespace {

TEST(TokenizerReport, CountsBytesPerTokenPerLanguage) {
  const Tokenizer trained = small_tokenizer();
  const Tokenizer bytes = train_tokenizer({{"z", 1}}, {.vocab_size = 300}).tokenizer;
  TokenizerReport report(std::vector<NamedTokenizer>{{"trained", &trained}, {"bytes", &bytes}});
  report.add("ko", "가나다");
  report.add("en", "the the");
  report.add("ko", "가나다<|pad|>");
  const auto rows = report.rows();
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].language, "en");
  EXPECT_EQ(rows[1].bytes, 25);
  EXPECT_EQ(rows[1].characters, 13);
  EXPECT_EQ(rows[1].tokens[1], 25);
  EXPECT_DOUBLE_EQ(rows[1].bytes_per_token(1), 1.0);
  EXPECT_GT(rows[0].bytes_per_token(0), 2.0);
  EXPECT_EQ(rows[2].texts, 3);
  EXPECT_THAT(report.table(), testing::HasSubstr("bytes per token"));
  EXPECT_EQ(report.json()["languages"].size(), 3u);
}

}  // namespace
}  // namespace maru::text
