#include "text/grammar/number_range.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "base/random.h"
#include "text/grammar/byte_dfa.h"

namespace maru::text::grammar {
namespace {

std::string spelled(const Decimal& d) {
  return (d.negative ? "-" : "") + d.whole + (d.fraction.empty() ? "" : "." + d.fraction);
}
Decimal decimal(const char* text) { return decimal_of(Json::parse(text)).value(); }

TEST(Decimal, IsWhatItsTextSays) {
  for (const auto& [text, expected] :
       std::vector<std::pair<const char*, const char*>>{{"0", "0"},
                                                        {"-0.0", "0"},
                                                        {"12", "12"},
                                                        {"-1.50", "-1.5"},
                                                        {"1e3", "1000"},
                                                        {"1.5e-7", "0.00000015"},
                                                        {"-2e20", "-200000000000000000000"},
                                                        {"0.1", "0.1"},
                                                        {"9007199254740993", "9007199254740993"}})
    EXPECT_EQ(expected, spelled(decimal(text))) << text;
  EXPECT_FALSE(decimal_of(Json(1e300)).has_value());
  EXPECT_FALSE(decimal_of(Json(1e-300)).has_value());
}

TEST(Decimal, IsCompared) {
  const std::vector<const char*> sorted{"-20", "-3", "-2.5", "-2.25", "-0.1", "0", "0.09",
                                        "0.1", "1",  "1.01", "1.1",   "9.5",  "10"};
  for (size_t i = 0; i < sorted.size(); ++i)
    for (size_t k = 0; k < sorted.size(); ++k) {
      EXPECT_EQ(i < k, decimal(sorted[i]) < decimal(sorted[k])) << sorted[i] << " " << sorted[k];
      EXPECT_EQ(i > k, decimal(sorted[i]) > decimal(sorted[k])) << sorted[i] << " " << sorted[k];
    }
  EXPECT_EQ("1000", plus_one("999"));
  EXPECT_EQ("99", minus_one("100"));
  EXPECT_FALSE(minus_one("0").has_value());
  EXPECT_EQ(5u, remainder(decimal("12345"), 10));
}

bool takes(const Dfa& dfa, const std::string& text) { return accepts(dfa, symbols_of_bytes(text)); }

TEST(NumberRange, IntegersAreExact) {
  Work work;
  for (int low = -25; low <= 25; low += 3) {
    for (int high = low - 1; high <= 130; high += 7) {
      for (const bool exclusive : {false, true}) {
        const NumberRange range{.low = Bound{decimal(std::to_string(low).c_str()), exclusive},
                                .high = Bound{decimal(std::to_string(high).c_str()), false},
                                .integer = true};
        const Dfa dfa = numbers_in(range, work).value();
        for (int n = -140; n <= 140; ++n) {
          const bool in = n <= high && (exclusive ? n > low : n >= low);
          ASSERT_EQ(in, takes(dfa, std::to_string(n))) << n << " in " << low << " " << high;
          ASSERT_EQ(in, range.contains(decimal(std::to_string(n).c_str())));
        }
        EXPECT_FALSE(takes(dfa, "-0") || takes(dfa, "01") || takes(dfa, "1.0") || takes(dfa, ""));
      }
    }
  }
}

TEST(NumberRange, MultiplesAreExact) {
  Work work;
  for (const uint64_t n : {2u, 7u, 10u, 999u}) {
    const NumberRange range{.low = Bound{decimal("-50.5"), false}, .multiple_of = n};
    const Dfa dfa = numbers_in(range, work).value();
    for (int k = -2100; k <= 2100; ++k)
      ASSERT_EQ(k >= -50 && k % static_cast<int>(n) == 0, takes(dfa, std::to_string(k))) << k << " of " << n;
  }
}

TEST(NumberRange, DecimalsAreExact) {
  Work work;
  Random random(5);
  const auto draw = [&] {
    std::string text = random.below(2) == 0 ? "-" : "";
    text += std::to_string(random.below(random.below(2) == 0 ? 3 : 120));
    if (random.below(3) > 0) text += "." + std::to_string(random.below(random.below(2) == 0 ? 10 : 1000));
    return text;
  };
  size_t inside = 0;
  for (int i = 0; i < 300; ++i) {
    NumberRange range;
    if (random.below(4) > 0) range.low = Bound{decimal(draw().c_str()), random.below(2) == 0};
    if (random.below(4) > 0 || !range.low) range.high = Bound{decimal(draw().c_str()), random.below(2) == 0};
    const Dfa dfa = numbers_in(range, work).value();
    std::vector<std::string> numbers{"0", "0.0", "0.001"};
    for (const auto* bound : {&range.low, &range.high})
      if (*bound)
        numbers.push_back(spelled((*bound)->value)),
            numbers.push_back(spelled((*bound)->value) + (numbers.back().find('.') == std::string::npos ? ".1" : "1"));
    for (int k = 0; k < 60; ++k) numbers.push_back(draw());
    for (const std::string& number : numbers) {
      const Decimal value = decimal(number.c_str());
      if (value.is_zero() && number[0] == '-') continue;  // zero has no sign
      inside += range.contains(value);
      ASSERT_EQ(range.contains(value), takes(dfa, number))
          << number << " in " << (range.low ? spelled(range.low->value) + (range.low->exclusive ? "!" : "") : "") << " "
          << (range.high ? spelled(range.high->value) + (range.high->exclusive ? "!" : "") : "");
    }
  }
  EXPECT_GT(inside, 1000u);
}

}  // namespace
}  // namespace maru::text::grammar
