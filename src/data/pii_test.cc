#include "data/pii.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace maru::data {
namespace {

std::string redact(std::string_view text, PiiConfig config = {}) {
  PiiCounts counts{};
  return redact_pii(text, config, counts);
}

// Made-up numbers. The check digit of 800101-123456? by hand: the weighted sum is 122, (11 - 122 % 11) % 10 = 0.
constexpr std::string_view kValid = "8001011234560";

TEST(Pii, CheckDigitsAndDates) {
  EXPECT_TRUE(has_resident_check_digit(kValid));
  for (const char wrong : {'1', '2', '3', '4', '9'})
    EXPECT_FALSE(has_resident_check_digit(std::string(kValid.substr(0, 12)) + wrong)) << wrong;
  EXPECT_TRUE(has_plausible_birth_date("0002293000000", 20261231)) << "2000 was a leap year";
  EXPECT_FALSE(has_plausible_birth_date("0002291000000", 20261231)) << "1900 was not";
  EXPECT_FALSE(has_plausible_birth_date("9913011234567", 20261231));
  EXPECT_FALSE(has_plausible_birth_date("9902301234567", 20261231));
  EXPECT_TRUE(has_luhn_check_digit("4111111111111111"));
  EXPECT_FALSE(has_luhn_check_digit("4111111111111112"));
}

TEST(Pii, ResidentNumbers) {
  EXPECT_EQ("번호 [RESIDENT_NUMBER].", redact("번호 800101-1234560."));
  EXPECT_EQ("[RESIDENT_NUMBER]", redact("800101 - 1234563")) << "since 2020 the check digit means nothing";
  EXPECT_EQ("[FOREIGNER_NUMBER]", redact("800101-5234567"));
  EXPECT_EQ("[RESIDENT_NUMBER]", redact("8001011234560"));
  EXPECT_EQ("8001011234563", redact("8001011234563")) << "13 digits, no separator, no check digit, no context";
  EXPECT_EQ("주민등록번호: [RESIDENT_NUMBER]", redact("주민등록번호: 8001011234563"));
  EXPECT_EQ("[RESIDENT_NUMBER]", redact("2101013234560")) << "born after the reform";
  for (const char* text : {"801301-1234567", "800101-12345678", "1800101-1234560", "12-800101-1234560",
                           "v800101-1234560", "800101-123456", "20240101-1234567"})
    EXPECT_EQ(text, redact(text));
}

TEST(Pii, Phones) {
  for (const char* number :
       {"010-1234-5678", "010 1234 5678", "01012345678", "010.1234.5678", "011-123-4567", "02-123-4567", "02)1234-5678",
        "(02) 123-4567", "031-123-4567", "070-1234-5678", "0505-123-4567", "+82-10-1234-5678", "+82 10 1234 5678",
        "+821012345678", "+82 (0)2-123-4567", "+82-2-1234-5678", "080-123-4567"})
    EXPECT_EQ("전화 [PHONE] 입니다", redact("전화 " + std::string(number) + " 입니다")) << number;
  for (const char* other : {"010-12-345", "0212345678", "2010-1234-5678", "010-1234-56789", "1588-1234",
                            "1.02-123-4567", "2024-01-02", "010", "3.010.1234.5678", "09-123-4567", "+1 650-253-0000"})
    EXPECT_EQ(other, redact(other));
}

TEST(Pii, Emails) {
  EXPECT_EQ("메일은 [EMAIL]로, 또는 <[EMAIL]>.", redact("메일은 hong.gildong+a@mail.co.kr로, 또는 <a@b.io>."));
  EXPECT_EQ("[EMAIL].", redact("x_y@z-1.org."));
  for (const char* other : {"user@example.com", "a@mail.example.org", "root@localhost", "@decorator", "a@b",
                            "a@1.2.3.4", "a @ b.com", "x@.com", "me@corp.test", "@media.screen"})
    EXPECT_EQ(other, redact(other));
  EXPECT_EQ("[EMAIL]", redact("a@notexample.com"));
}

TEST(Pii, Cards) {
  for (const char* card : {"4111 1111 1111 1111", "4111-1111-1111-1111", "5555555555554444", "3782 822463 10005",
                           "378282246310005", "6011111111111117", "3530111333300000"})
    EXPECT_EQ("[CARD]", redact(card)) << card;
  for (const char* other : {"4111 1111 1111 1112", "4111 1111-1111 1111", "1234567812345670", "41111111111111111111",
                            "0000 0000 0000 0000", "4111 1111 1111"})
    EXPECT_EQ(other, redact(other));
}

TEST(Pii, OptionalKindsAndSwitches) {
  EXPECT_EQ("8.8.8.8 078-05-1120", redact("8.8.8.8 078-05-1120"));
  PiiConfig config;
  config.ipv4 = config.us_ssn = true;
  EXPECT_EQ("[IP] [SSN]", redact("8.8.4.4 078-05-1120", config));
  for (const char* other :
       {"192.168.0.1", "127.0.0.1", "1.2.3.4.5", "256.1.1.1", "203.0.113.9", "000-12-3456", "900-12-3456", "08.8.8.8"})
    EXPECT_EQ(other, redact(other, config));
  config.emails = config.phones = config.cards = config.resident_numbers = false;
  EXPECT_EQ("a@b.io 010-1234-5678 800101-1234560", redact("a@b.io 010-1234-5678 800101-1234560", config));
}

TEST(Pii, CountsByKind) {
  PiiCounts counts{};
  redact_pii("a@b.io, c@d.io, 010-1234-5678", {}, counts);
  EXPECT_EQ(2, counts[static_cast<size_t>(PiiKind::kEmail)]);
  EXPECT_EQ(1, counts[static_cast<size_t>(PiiKind::kPhone)]);
  EXPECT_EQ(0, counts[static_cast<size_t>(PiiKind::kCard)]);
}

// A table of inputs and what must come out.
using Table = std::vector<std::pair<const char*, const char*>>;
void expect_all(const Table& table, const PiiConfig& config = {}) {
  for (const auto& [text, right] : table) EXPECT_EQ(right, redact(text, config)) << text;
}

TEST(Pii, ArticleNumbersAreNoResidentNumbers) {
  // All of these have a date, and a valid check digit of an article number.
  for (const char* text :
       {"8801043014816", "8801007052922", "8801056038861", "8801062637119", "바코드 8801045290416"}) {
    EXPECT_EQ(text, redact(text));
  }
  EXPECT_EQ("주민번호 [RESIDENT_NUMBER]", redact("주민번호 8801041014818")) << "the word decides";
}

TEST(Pii, BirthDatesLieInThePast) {
  expect_all({{"270101-3234567", "270101-3234567"},
              {"450101-4123456", "450101-4123456"},
              {"990101-7123456", "990101-7123456"},
              {"261231-3123456", "[RESIDENT_NUMBER]"},
              {"주민등록번호 301231-4000000", "주민등록번호 301231-4000000"}});
  PiiConfig config;
  config.born_until = 20240531;
  expect_all({{"240531-3123456", "[RESIDENT_NUMBER]"}, {"240601-3123456", "240601-3123456"}}, config);
}

TEST(Pii, ResidentNumbersAreWrittenInManyWays) {
  expect_all({{"900113 1123451", "[RESIDENT_NUMBER]"},
              {"900113\u20131123451", "[RESIDENT_NUMBER]"},
              {"900113\u20111123451", "[RESIDENT_NUMBER]"},
              {"900113\u22121123451", "[RESIDENT_NUMBER]"},
              {"900113.1123451", "[RESIDENT_NUMBER]"},
              {"900113/1123451", "[RESIDENT_NUMBER]"},
              {"９００１１３－１１２３４５１", "[RESIDENT_NUMBER]"},
              {"900113 \u2014 1123451", "[RESIDENT_NUMBER]"},
              {"900113\u00a01123451", "[RESIDENT_NUMBER]"},
              {"900113\u200b-\u200b1123451", "[RESIDENT_NUMBER]"},
              {"ID900113-1123451", "ID[RESIDENT_NUMBER]"},
              {"id_900113-1123451", "id_[RESIDENT_NUMBER]"},
              {"900113-1123451/650505-2123456", "[RESIDENT_NUMBER]/[RESIDENT_NUMBER]"},
              {"900113 1123452", "900113 1123452"},  // no check digit: two numbers
              {"900113.1123452", "900113.1123452"},
              {"주민번호 900113 1123452", "주민번호 [RESIDENT_NUMBER]"},
              {"9001131123451abc", "9001131123451abc"},
              {"주문 2311173456789", "주문 2311173456789"},
              {"ab12-900113-1123451", "ab12-900113-1123451"},
              {"241225 1234567", "241225 1234567"},  // from here on: cases reported to presidio
              {"1901201-1234567", "1901201-1234567"},
              {"내 주민번호는 960101-1234567이야", "내 주민번호는 [RESIDENT_NUMBER]이야"},
              {"His RRN is 9111245678906", "His RRN is [FOREIGNER_NUMBER]"},
              {"법인 110111-0123456", "법인 110111-0123456"},
              {"법인등록번호 110111-1123456", "법인등록번호 110111-1123456"}});
}

TEST(Pii, PhonesAreWrittenInManyWays) {
  for (const char* number : {"82-10-1234-5678",
                             "001-82-10-1234-5678",
                             "00182-10-1234-5678",
                             "00782-10-1234-5678",
                             "0082 10 1234 5678",
                             "00700-82-10-1234-5678",
                             "(82)10-1234-5678",
                             "(+82) 10-1234-5678",
                             "+(82) 10-1234-5678",
                             "82 2 1234 5678",
                             "０１０－１２３４－５６７８",
                             "010\u20131234\u20135678",
                             "010\u22121234\u22125678",
                             "010\u00a01234\u00a05678",
                             "010/1234/5678",
                             "010_1234_5678",
                             "010\u00b71234\u00b75678",
                             "010ㅡ1234ㅡ5678",
                             "010\u200b1234\u200b5678",
                             "＋８２－１０－１２３４－５６７８"})
    EXPECT_EQ("[PHONE]", redact(number)) << number;
  expect_all({{"HP010-1234-5678", "HP[PHONE]"},
              {"T010-1234-5678", "T[PHONE]"},
              {"H.P010-1234-5678", "H.P[PHONE]"},
              {"내선1-010-1234-5678", "내선1-[PHONE]"},
              {"010-1234-5678/010-2345-6789", "[PHONE]/[PHONE]"},
              {"02-123-4567 / 031-123-4567/010-2345-6789", "[PHONE] / [PHONE]/[PHONE]"},
              {"1588-1234/010-1234-5678", "1588-1234/[PHONE]"},
              {"전화 0212345678", "전화 [PHONE]"},
              {"tel 02-1234-5678-12", "tel [PHONE]"},
              {"(010-1234-5678)", "([PHONE])"},
              {"(+82-10-1234-5678)", "([PHONE])"},
              {"전화 821012345678", "전화 [PHONE]"},
              {"AB010-1234-5678", "AB010-1234-5678"},
              {"T01012345678", "T01012345678"},
              {"82-10-15", "82-10-15"},
              {"821012345678", "821012345678"},
              {"01012345678abcdef", "01012345678abcdef"},
              {"1/01012345678", "1/01012345678"},
              {"02/123/4567", "02/123/4567"}});
}

TEST(Pii, MailHostsHaveATopLevelDomain) {
  for (const char* other : {"logo@2x.png",
                            "vue@3.beta",
                            "docker@main.service",
                            "git@host:a/b.git",
                            "git@github.com:a/b.git",
                            "hong@server.kr:/home/hong",
                            "wg@wg0.target",
                            "a@lib.so.6",
                            "x@4.dev",
                            "icon@3x.io",
                            "pkg@1.0.0-beta.1",
                            "ssh://git@bitbucket.org/x",
                            "react@18.2.0",
                            "a@b.tar.gz",
                            "photo@site.com.jpg",
                            "@babel/core@7.next",
                            "6H@FO.LwfT" /* reported to scancode-toolkit */,
                            "git clone git@source.host.us:a/b.git" /* to rusty-hog */,
                            "*@123",
                            "$@#!." /* to zaproxy */})
    EXPECT_EQ(other, redact(other)) << other;
  expect_all({{"hong＠naver.com", "[EMAIL]"},
              {"ｈｏｎｇ＠ｎａｖｅｒ．ｃｏｍ", "[EMAIL]"},
              {"메일 hong@회사.한국으로", "메일 [EMAIL]으로"},
              {"홍길동@회사.한국", "[EMAIL]"},
              {"hong@회사.com입니다", "[EMAIL]입니다"},
              {"hong@abc회사.co.kr", "[EMAIL]"},
              {"ivan@почта.рф", "[EMAIL]"},
              {"hong@xn--3e0b707e.xn--3e0b707e", "[EMAIL]"},
              {"메일은hong@naver.com입니다", "메일은[EMAIL]입니다"},
              {"문의@naver.com", "문의@naver.com"},
              {"me@naver.com.Thanks", "[EMAIL].Thanks"},
              {"me@naver.com.그리고", "[EMAIL].그리고"},
              {"me@163.com", "[EMAIL]"},
              {"hong@corp.kr:02호", "[EMAIL]:02호"},
              {"a@b.kr/c@d.kr", "[EMAIL]/[EMAIL]"}});
}

TEST(Pii, CardsAreWrittenInManyWays) {
  for (const char* card : {"4111\u20131111\u20131111\u20131111", "4111\u22121111\u22121111\u22121111",
                           "4111\u00a01111\u00a01111\u00a01111", "4111.1111.1111.1111", "4111 - 1111 - 1111 - 1111",
                           "４１１１－１１１１－１１１１－１１１１",
                           "4111\u2011"
                           "1111\u20111111\u20111111",
                           "3600 000000 0008"})
    EXPECT_EQ("[CARD]", redact(card)) << card;
  expect_all({{"card4111-1111-1111-1111", "card[CARD]"}, {"4006381333931", "4006381333931"}});
}

TEST(Pii, WorkGrowsAsTheText) {
  PiiConfig config;
  config.ipv4 = config.us_ssn = true;
  for (const char* unit : {"1",
                           "1 ",
                           "1-",
                           "@",
                           "a@",
                           "a.",
                           "a@b.",
                           "0-",
                           "+82",
                           "(",
                           "01012345678",
                           "..@",
                           "a@b.c.",
                           "가@",
                           "hong@회사.",
                           "010-1234-5678/",
                           "４",
                           "\u2013"
                           "1",
                           "a@a.kr.",
                           "(0)",
                           "82 ",
                           "\u200b1"}) {
    std::array<int64_t, 2> work{};
    for (size_t k = 0; k < 2; ++k) {
      std::string text;
      while (text.size() < (size_t{1} << (14 + k))) text += unit;
      PiiCounts counts{};
      redact_pii(text, config, counts, &work[k]);
      EXPECT_LE(work[k], static_cast<int64_t>(320 * text.size())) << unit;
    }
    EXPECT_LE(work[1], 2.2 * static_cast<double>(work[0]) + 1000) << unit;
  }
}

}  // namespace
}  // namespace maru::data
