#include "base/utf8.h"
#include "text/unicode/mark_runs.h"

#include <gtest/gtest.h>
#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>

#include "base/random.h"

namespace maru::text {
namespace {

std::string repeated(std::string_view unit, size_t n) {
  std::string text;
  for (size_t i = 0; i < n; ++i) text += unit;
  return text;
}

TEST(MarkRuns, ShortRunsAndOtherTextStay) {
  std::string storage;
  for (const std::string& text :
       {std::string(), std::string("abc 한글"), "e" + repeated("\u0301\u0316", 32), std::string("\xff\xcc")})
    EXPECT_EQ(text.data(), with_sorted_marks(text, storage).data());
}

TEST(MarkRuns, LongRunsAreSortedByClass) {
  std::string storage;
  EXPECT_EQ("e" + repeated("\u0316", 50) + repeated("\u0301", 50) + "a",
            with_sorted_marks("e" + repeated("\u0301\u0316", 50) + "a", storage));
  const std::string newer = repeated("\u0301\u1DF6", 50);  // U+1DF6 came with Unicode 10
  EXPECT_EQ(newer, with_sorted_marks(newer, storage, 9));
  EXPECT_NE(newer, with_sorted_marks(newer, storage));
}

std::string form_of(const icu::Normalizer2* normalizer, const std::string& text) {
  UErrorCode status = U_ZERO_ERROR;
  std::string form;
  icu::StringByteSink<std::string> sink(&form);
  normalizer->normalizeUTF8(0, {text.data(), static_cast<int32_t>(text.size())}, sink, nullptr, status);
  EXPECT_TRUE(U_SUCCESS(status));
  return form;
}

// Every form of the sorted text is that of the text as the library makes it.
TEST(MarkRuns, FormsStayTheSame) {
  const std::u32string marks = U"\u0301\u0316\u0327\u0344\u0345\u0f73\u0f75\u05b0\u3099\u0338\u1dce\u0340";
  UErrorCode status = U_ZERO_ERROR;
  Random random(11);
  for (int i = 0; i < 60; ++i) {
    std::string text = "x";
    for (int k = 0; k < 300; ++k) {
      append_utf8(text, marks[random.below(marks.size())]);
      if (random.below(90) == 0) text += "e한";
    }
    std::string storage;
    const std::string sorted(with_sorted_marks(text, storage));
    for (const icu::Normalizer2* form :
         {icu::Normalizer2::getNFCInstance(status), icu::Normalizer2::getNFDInstance(status),
          icu::Normalizer2::getNFKCInstance(status), icu::Normalizer2::getNFKDInstance(status)})
      EXPECT_EQ(form_of(form, text), form_of(form, sorted));
  }
}

TEST(MarkRuns, WorkIsLinearInTheText) {
  const auto steps = [](size_t n) {
    std::string storage;
    int64_t count = 0;
    with_sorted_marks("e" + repeated("\u0301\u0316\u0327", n), storage, 255, &count);
    return static_cast<double>(count);
  };
  EXPECT_LT(steps(20000), 2.2 * steps(10000));
}

}  // namespace
}  // namespace maru::text
