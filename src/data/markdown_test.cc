#include "data/markdown.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "data/markdown_inline.h"

namespace maru::data {
namespace {

using testing::HasSubstr;

TEST(Markdown, InlineMarksGoAndTextStays) {
  const std::pair<const char*, const char*> kCases[] = {
      {"**굵게** *기울임* ~~지움~~", "굵게 기울임 지움"},
      {"2 * 3 = 6, snake_case_name", "2 * 3 = 6, snake_case_name"},
      {"[링크](http://x.y/(z) \"제목\")와 [참조][ref]", "링크와 참조"},
      {"[![badge](a.svg)](b) 뒤", " 뒤"},
      {"![그림](x.png)글", "글"},
      {"`a * b [c](d)` 코드", "`a * b [c](d)` 코드"},
      {"<br/>태그 <a href='x'>글</a> a < b", "태그 글 a < b"},
      {"<https://example.com> 주소", "https://example.com 주소"},
      {"{{< glossary_tooltip text=\"파드\" term_id=\"pod\" >}}를 {{% x %}}{#anchor}", "파드를 "},
      {"\\*그대로\\*", "*그대로*"},
      {"별표****넷", "별표****넷"},
      {"[닫히지 않은 `것 **", "[닫히지 않은 `것 **"},
  };
  for (const auto& [in, out] : kCases) EXPECT_EQ(out, strip_markdown_inline(in)) << in;
}

TEST(Markdown, BlocksTakeTheCommonForm) {
  const std::string text = markdown_to_text(
      "---\ntitle: \"문서\"\nweight: 3\n---\n<!-- 주석\n둘 -->\n글이다.\n\n| 가 | 나 |\n|---|:-:|\n| 1 | 2 |\n\n* "
      "하나\n  + 둘\n"
      "\n```c\nint *x; // **그대로**\n```\n\n소제목\n------\n> 인용\n\n[ref]: http://x\n***\n");
  EXPECT_EQ(
      "# 문서\n\n글이다.\n\n가 | 나\n1 | 2\n\n- 하나\n  - 둘\n\n```\nint *x; // **그대로**\n```\n\n\n## "
      "소제목\n\n인용\n\n",
      text);
}

TEST(Markdown, ARuleAtTheTopIsNotFrontMatter) {
  EXPECT_THAT(markdown_to_text("---\n글\n"), HasSubstr("글"));
  EXPECT_EQ("\n# 하나\n\n글\n", markdown_to_text("---\ntitle: 둘\n---\n# 하나\n글\n")) << "the body has its own title";
}

TEST(Rst, DirectivesRolesAndHeadings) {
  const std::string text = rst_to_text(
      "제목\n====\n\n.. image:: x.png\n   :width: 3\n\n글은 :ref:`여기 <there>` 와 ``코드`` 와 `링크 <http://x>`_ "
      "이다.\n\n"
      ".. note::\n   주의할 것\n\n예::\n\n    a = 1\n      b\n\n.. code-block:: python\n   :linenos:\n\n   print(1)\n\n"
      "작은 제목\n---------\n\n* 하나\n\n.. _target:\n.. 주석이다\n");
  EXPECT_THAT(text, HasSubstr("# 제목\n"));
  EXPECT_THAT(text, HasSubstr("글은 여기 와 `코드` 와 링크 이다."));
  EXPECT_THAT(text, HasSubstr("주의할 것"));
  EXPECT_THAT(text, HasSubstr("```\na = 1\n  b\n```"));
  EXPECT_THAT(text, HasSubstr("```\nprint(1)\n```"));
  EXPECT_THAT(text, HasSubstr("## 작은 제목"));
  EXPECT_THAT(text, HasSubstr("- 하나"));
  for (const char* gone : {"x.png", "width", "linenos", "note", "주석", "target", "===="})
    EXPECT_THAT(text, testing::Not(HasSubstr(gone)));
}

TEST(Markdown, HostileTextEndsQuickly) {
  const auto start = std::chrono::steady_clock::now();
  for (const char* unit : {"[", "![", "`", "<a", "{{<", "**", "[a](", "``"}) {
    std::string text;
    while (text.size() < (1 << 17)) text += unit;
    strip_markdown_inline(text);
    rst_to_text(text);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

// Each of these once took time with the square of its length, or a thousand steps a byte.
TEST(Markdown, WorkDoublesWithTheText) {
  for (const char* unit : {"[", "[[](", "![", "](", "<a", "{{<", "{%", "{#", "`", "``a`", "*", "_a", "\\", "[a](b)",
                           "[a[b]]", "((", "~~"}) {
    const auto work = [&](size_t n) {
      std::string text;
      for (size_t i = 0; i < n; ++i) text += unit;
      uint64_t steps = 0;
      strip_markdown_inline(text, &steps);
      return steps;
    };
    EXPECT_LE(work(20000), 2 * work(10000) + 20) << unit;
    EXPECT_LE(work(20000), 20000 * 6 * std::string_view(unit).size()) << unit;
  }
}

TEST(Markdown, AMegabyteOfOneSignEndsQuickly) {
  const auto start = std::chrono::steady_clock::now();
  for (const char sign : {'[', '(', '<', '{', '`', '*', '_', '!', '\\', '>', '#', '|', '-', ':', '.'}) {
    const std::string text(1 << 20, sign);
    markdown_to_text(text);
    rst_to_text(text);
  }
  std::string nested, roles;
  for (int i = 0; i < 1000; ++i) nested += std::string(static_cast<size_t>(i), ' ') + ".. note::\n";
  for (int i = 0; i < 100000; ++i) roles += ":`b`";
  rst_to_text(nested);
  EXPECT_EQ(200002u, rst_to_text("a" + roles).size()) << "a:b:b… is no role, however long";
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

}  // namespace
}  // namespace maru::data
