#include "data/pii.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

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
  EXPECT_TRUE(has_plausible_birth_date("0002293000000")) << "2000 was a leap year";
  EXPECT_FALSE(has_plausible_birth_date("0002291000000")) << "1900 was not";
  EXPECT_FALSE(has_plausible_birth_date("9913011234567"));
  EXPECT_FALSE(has_plausible_birth_date("9902301234567"));
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

TEST(Pii, HostileTextTakesLinearTime) {
  const auto start = std::chrono::steady_clock::now();
  PiiConfig config;
  config.ipv4 = config.us_ssn = true;
  for (const char* unit : {"1", "@", "a@", "a.", "0-", "+82", "(", "01012345678", "a@b.", "1 ", "..@"}) {
    std::string text;
    while (text.size() < (1 << 18)) text += unit;
    redact(text, config);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

}  // namespace
}  // namespace maru::data
