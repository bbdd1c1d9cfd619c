#include "data/quality.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "data/text_stats.h"

namespace maru::data {
namespace {

// Varied Korean sentences, so that no rule but the planted one fires.
std::string prose(int sentences, uint64_t seed = 1) {
  constexpr const char* kWords[] = {"사람은", "바다를",   "조용히",   "오래된",   "나무와", "책상에서",
                                    "걸었고", "바람이",   "불어와",   "편지를",   "읽으며", "저녁마다",
                                    "산길로", "돌아가는", "아이들과", "노래하던", "마을의", "기억을"};
  Random random(seed);
  std::string text;
  for (int i = 0; i < sentences; ++i) {
    for (int k = 0; k < 7; ++k)
      text += std::string(kWords[random.below(std::size(kWords))]) + std::to_string(random.below(50)) + " ";
    text += "보았다.\n";
  }
  return text;
}

std::string_view reason(const std::string& text) { return quality_reason(text, {}); }

TEST(Quality, ProseOfSeveralScriptsPasses) {
  EXPECT_EQ("", reason(prose(10)));
  EXPECT_EQ("",
            reason("The quick brown fox jumps over the lazy dog while seven other animals look on. Some of them had "
                   "never seen anything like it, and said so.\nOthers kept silent, as animals mostly do.\n"));
  EXPECT_EQ("", reason("吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。何でも薄暗いじめじめした所で"
                       "ニャーニャー泣いていた事だけは"
                       "記憶している。吾輩はここで始めて人間というものを見た。しかもあとで聞くとそれは書生という人間中"
                       "で一番獰悪な種族であったそうだ。"));
}

TEST(Quality, EachRuleFiresOnItsPlantedFault) {
  EXPECT_EQ("too_short", reason("짧은 글이다."));
  QualityConfig small;
  small.max_characters = 500;
  EXPECT_EQ("too_long", quality_reason(prose(100), small));
  EXPECT_EQ("mojibake", reason(prose(5) + "ì•ˆë…•í•˜ì„¸ìš” ê°€ë‚˜ë‹¤"));
  EXPECT_EQ("mojibake", reason(prose(5) + "占쏙옙占쏙옙 글占쏙옙"));
  EXPECT_EQ("mojibake", reason(prose(5) + "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD"));
  std::string digits;
  for (int i = 0; i < 100; ++i) digits += std::to_string(i * 7919) + (i % 5 == 0 ? " 값\n" : " ");
  EXPECT_EQ("low_alphabetic", reason(digits));
  std::string tags;
  for (int i = 0; i < 40; ++i) tags += "말 #꼬리표" + std::to_string(i) + (i % 8 == 0 ? " 이다.\n" : " ");
  EXPECT_EQ("symbols", reason(tags));
  std::string glued;
  for (int i = 0; i < 20; ++i)
    glued += "띄어쓰기없이이어지는아주긴글자들의나열" + std::string(1, static_cast<char>('a' + i)) + ".\n";
  EXPECT_EQ("word_length", reason(glued));
  std::string bullets;
  for (int i = 0; i < 20; ++i) bullets += "- 항목 " + std::string(1, static_cast<char>('a' + i)) + " 설명이다.\n";
  EXPECT_EQ("list_only", reason(bullets));
  std::string menu;
  for (int i = 0; i < 60; ++i)
    menu += std::string(1, static_cast<char>('a' + i % 26)) + "메뉴 항목" + static_cast<char>('a' + i / 26) + "\n";
  EXPECT_EQ("no_sentences", reason(menu));
  std::string broken;
  for (int i = 0; i < 20; ++i)
    broken += prose(1, static_cast<uint64_t>(i)).substr(0, 60) + "더 보기…\n" + prose(1, 99 + static_cast<uint64_t>(i));
  EXPECT_EQ("ellipsis", reason(broken));
  EXPECT_EQ("placeholder", reason(prose(5) + "Lorem Ipsum"));
  std::string lines = prose(10);
  for (int i = 0; i < 10; ++i) lines += "똑같은 줄이 여러 번 되풀이되는 글이다.\n";
  EXPECT_EQ("repeated_lines", reason(lines));
  std::string ngrams;
  for (int i = 0; i < 20; ++i)
    ngrams += "이 다섯 낱말은 언제나 같이 나온다 " + std::to_string(i * 37) + "번째 다른 말.\n";
  EXPECT_EQ("repeated_ngrams", reason(ngrams));
}

TEST(Quality, ThresholdsAndTheSwitchAreObeyed) {
  QualityConfig config;
  config.min_characters = 3;
  config.min_sentence_lines = config.min_mean_word_length = 0;
  EXPECT_EQ("", quality_reason("짧은 글", config));
  config.enabled = false;
  config.min_characters = 1000;
  EXPECT_EQ("", quality_reason("", config));
}

TEST(TextStats, CountsByHand) {
  const TextStats s = measure_text("한글 ab 1\n- 나는…\n한글 ab 1\n");
  EXPECT_EQ(22, s.characters);
  EXPECT_EQ(3, s.lines);
  EXPECT_EQ(1, s.duplicate_lines);
  EXPECT_EQ(1, s.bullet_lines);
  EXPECT_EQ(1, s.ellipsis_lines);
  EXPECT_EQ(8, s.words);
  EXPECT_EQ(1, s.symbols);
  EXPECT_FALSE(s.unspaced);
  EXPECT_TRUE(measure_text("吾輩は猫である").unspaced);
}

TEST(TextStats, NgramsByHand) {
  // a b | c | a b: of five one-byte words the bigram "a b" covers four; its second occurrence repeats two.
  const NgramRepetition r = measure_ngrams(hash_words("a b c a b"), 2);
  EXPECT_DOUBLE_EQ(0.8, r.top);
  EXPECT_DOUBLE_EQ(0.4, r.duplicate);
  EXPECT_DOUBLE_EQ(0, measure_ngrams(hash_words("a b c d e"), 2).top);
  EXPECT_DOUBLE_EQ(0.5, measure_ngrams(hash_words("a b c a b c"), 2).duplicate) << "the second b counts once";
  EXPECT_EQ(7u, hash_words("吾輩は猫である").size());
}

}  // namespace
}  // namespace maru::data
