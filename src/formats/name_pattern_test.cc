// Answers as Python's re gives them (tests/reference compares more), refusals, and hostile patterns.
#include "formats/name_pattern.h"

#include <gmock/gmock.h>

namespace maru::formats {
namespace {

bool names(const std::string& pattern, const std::string& name) {
  return NamePattern::compile(pattern, "test").value().names(name);
}

constexpr const char* kName = "model.layers.11.self_attn.q_proj";

TEST(NamePatternTest, TheWholeNameOrWhatLiesBehindADot) {
  EXPECT_TRUE(names(kName, kName));
  EXPECT_TRUE(names("q_proj", kName));
  EXPECT_TRUE(names("self_attn.q_proj", kName));
  EXPECT_FALSE(names("proj", kName)) << "not behind a dot";
  EXPECT_FALSE(names("self_attn", kName)) << "not to the end";
  EXPECT_TRUE(names("self.attn.q.proj", kName)) << "a dot is any character";
  EXPECT_FALSE(names("self\\.attn.q_proj", kName));
  EXPECT_TRUE(names("^model.*", kName));
  EXPECT_FALSE(names("^q_proj", kName)) << "not at the beginning";
  EXPECT_TRUE(names("(^q|^model).*proj$", kName));
}

TEST(NamePatternTest, ClassesGroupsAndRepetitions) {
  EXPECT_TRUE(names("layers\\.\\d+\\..*\\.[qkv]_proj", kName));
  EXPECT_FALSE(names("layers\\.\\d\\..*\\.[qkv]_proj", kName)) << "two digits";
  EXPECT_TRUE(names("layers\\.\\d{2}\\..*", kName));
  EXPECT_TRUE(names("layers\\.1{1,3}\\..*", kName));
  EXPECT_FALSE(names("layers\\.1{3,}\\..*", kName));
  EXPECT_TRUE(names("layers\\.(?:[0-9]|1[01])\\.(self_attn|mlp)\\.\\w+?", kName));
  EXPECT_FALSE(names("layers\\.([0-9]|1[2-9])\\.self_attn\\.\\w+", kName));
  EXPECT_TRUE(names("[^k]_proj", kName));
  EXPECT_FALSE(names("[^q]_proj", kName));
  EXPECT_TRUE(names("x?(q_)?(p|r|o|j)*", kName));
  EXPECT_TRUE(names("(|q_proj)", kName));
  EXPECT_TRUE(names("", "a.")) << "nothing behind the last dot";
  EXPECT_TRUE(names("(a*)*b", "aaab")) << "repetitions of nothing end";
}

TEST(NamePatternTest, RefusesWhatItDoesNotKnow) {
  for (const char* pattern : {"(?=a)", "(?!a)", "(?<=a)b", "(a)\\1", "*a", "a**", "a{2}{3}", "{2}", "(a", "a)", "a)|(b",
                              "[a", "[z-a]", "a\\", "\xFF", "a{3,2}", "a{2000}", "(a{1000}){1000}"})
    EXPECT_EQ(ErrorCode::kUnimplemented, NamePattern::compile(pattern, "test").error().code) << pattern;
  EXPECT_THAT(NamePattern::compile("(?=a)", "file: key").error().message,
              testing::StartsWith("file: key: the regular expression \"(?=a)\" cannot be used: "));
}

TEST(NamePatternTest, RefusesWhatPythonReadsAnotherWay) {
  for (const char* pattern : {"[[:alpha:]]", "\\pL", "\\Qa\\E", "a\\z", "\\C"})
    EXPECT_EQ(ErrorCode::kUnimplemented, NamePattern::compile(pattern, "test").error().code) << pattern;
  EXPECT_TRUE(names("[\\].{]q_proj", "a.]q_proj")) << "escapes of signs are none of letters";
  EXPECT_TRUE(names("(?i)Q_PROJ", kName));
  EXPECT_TRUE(names("\\bq_proj\\b", kName));
  EXPECT_TRUE(names("a{,3}b", "aaab"));
  EXPECT_TRUE(names("a{,3}b", "b"));
  EXPECT_FALSE(names("a{,3}b", "aaaab"));
  EXPECT_FALSE(names("a[]{,3}]", "a0")) << "in a class these are signs";
  EXPECT_TRUE(names("a[]{,3}]{2}", "a{,"));
  EXPECT_TRUE(names("\\[a{,1}", "[a")) << "an escaped bracket opens none";
  EXPECT_TRUE(names("a\\{,3}", "a{,3}"));
}

TEST(NamePatternTest, HostilePatternsEnd) {
  const std::string name(200, 'a');
  EXPECT_FALSE(names("(a+)+b", name));
  EXPECT_FALSE(names("(a|a)*b", name));
  EXPECT_FALSE(names("(.*)(.*)(.*)(.*)(.*)b", name));
  const std::string deep = std::string(40, '(') + "a" + std::string(40, ')');
  std::string repeated;
  for (const char c : deep) repeated += c == ')' ? ")+" : std::string(1, c);
  EXPECT_TRUE(names(repeated, name));
  EXPECT_FALSE(NamePattern::compile(std::string(10'000, '('), "test").ok());
  EXPECT_FALSE(names(std::string(10'000, '|'), name));
  EXPECT_FALSE(names("(.*a){12}b", std::string(100'000, 'a')));
}

}  // namespace
}  // namespace maru::formats
