// HTML and XML extraction, and the choice of the main text.
#include "data/markup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "base/file.h"
#include "data/boilerplate.h"
#include "data/markup_roles.h"

namespace maru::data {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string html(std::string_view body) { return extract_html(body).value().text; }

TEST(ExtractHtml, KeepsStructureAsReadableText) {
  EXPECT_EQ(
      "# 제목\n\n첫 문단은 두 줄이다.\n\n- 하나\n  - 안쪽\n- 둘\n\n1. 먼저\n2. 나중\n\n"
      "이름 | 값\n가 | 1\n\n```\nint x;\n  y();\n```",
      html("<html><body><main><h1>제목</h1><p>첫   문단은\n두 <b>줄</b>이다.</p>"
           "<ul><li>하나<ul><li>안쪽</li></ul></li><li><p>둘</p></li></ul><ol><li>먼저<li>나중</ol>"
           "<table><tr><th>이름</th><th><p>값</p></th></tr><tr><td>가</td><td>1</td><td></td></tr></table>"
           "<pre>\nint x;\n  y();\n</pre></main></body></html>"));
}

TEST(ExtractHtml, DropsWhatThePageMarksAsNavigation) {
  const std::string text = html(
      "<html><head><title>t</title><style>p{}</style></head><body><header><a href=x>사이트 이름</a></header>"
      "<nav><ul><li><a href=a>메뉴</a></ul></nav><div class='navheader'><table><tr><td>이전</td></tr></table></div>"
      "<div id='SideBar'>옆줄</div><div class=content><h1>본문</h1><p>남아야 하는 글이다.</p>"
      "<p hidden>숨김</p><div style='display:none'>안 보임</div><script>var x = '코드';</script></div>"
      "<div role=contentinfo>저작권</div><footer><h3>디버그</h3>꼬리</footer></body></html>");
  EXPECT_EQ("# 본문\n\n남아야 하는 글이다.", text);
}

TEST(ExtractHtml, DropsRunsOfLinksInMarkedPages) {
  const std::string text = html(
      "<body><nav>n</nav><h1>글</h1><p>본문에 <a href=x>링크</a> 하나는 괜찮다. 문장은 그대로 남아 있어야 한다.</p>"
      "<h2>관련 글</h2><ul><li><a href=1>첫째 글 보기</a><li><a href=2>둘째 글 보기</a></ul></body>");
  EXPECT_THAT(text, HasSubstr("링크 하나는"));
  EXPECT_THAT(text, Not(HasSubstr("둘째 글")));
  EXPECT_THAT(text, Not(HasSubstr("관련 글"))) << "a heading without text of its own goes too";
}

TEST(ExtractHtml, ClassifiesUnmarkedPagesByDensity) {
  std::string paragraph;
  for (int i = 0; i < 12; ++i) paragraph += "이 문단은 사람이 읽으라고 쓴 긴 글의 한 부분이다. ";
  const std::string text = html(
      "<body><div><a href=1>홈</a> <a href=2>소개</a> <a href=3>연락처</a></div><div>로그인</div><h2>긴 글</h2><p>" +
      paragraph + "</p><p>" + paragraph + "</p><div><a href=4>이전</a> <a href=5>다음</a></div></body>");
  EXPECT_THAT(text, HasSubstr("## 긴 글\n\n이 문단은"));
  EXPECT_THAT(text, Not(HasSubstr("소개")));
  EXPECT_THAT(text, Not(HasSubstr("다음")));
  EXPECT_THAT(text, Not(HasSubstr("로그인")));
}

TEST(ExtractHtml, MisleadingNamesDoNotEmptyThePage) {
  std::string paragraph;
  for (int i = 0; i < 40; ++i) paragraph += "모든 글이 이름이 이상한 상자 안에 있다. ";
  EXPECT_THAT(html("<body><div class='layout sidebar'><h1>글</h1><p>" + paragraph + "</p></div></body>"),
              HasSubstr("이상한 상자"));
}

TEST(ExtractHtml, LayoutTablesAreReadAsBlocks) {
  EXPECT_EQ("# 하나\n\n둘", html("<main><table><tr><td><h1>하나</h1><p>둘</p></td></tr></table></main>"));
}

TEST(ExtractHtml, TitleStandsInForAMissingHeading) {
  EXPECT_EQ("# 문서 제목\n\n내용",
            html("<html><head><title> 문서\n제목</title></head><body><main><p>내용</main></html>"));
}

TEST(ExtractHtml, EntitiesAndBrokenMarkupAreRead) {
  EXPECT_EQ("a < b & c\n\n닫히지 않은 글", html("<main><p>a &lt; b &amp; c<p>닫히지 <b>않은 <i>글</main>"));
  EXPECT_FALSE(extract_html("").ok());
}

TEST(ExtractHtml, HostilePagesEndQuickly) {
  const auto start = std::chrono::steady_clock::now();
  std::string deep, unclosed, attributes = "<main><p";
  for (int i = 0; i < 50000; ++i) deep += "<div>", unclosed += "<b><p>x</i>", attributes += " a='b'";
  EXPECT_FALSE(extract_html(deep).ok()) << "deeper than the limit";
  for (const std::string& page : {unclosed, attributes + ">글</p></main>", std::string(1 << 18, '<')}) {
    const auto result = extract_html(page);
    EXPECT_TRUE(result.ok() || !result.error().message.empty());
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST(ExtractXml, ReadsMallard) {
  const auto page = extract_xml(
      R"(<?xml version="1.0"?><page xmlns="http://projectmallard.org/1.0/" id="x"><info><desc>요약</desc></info>
      <title>탄력키</title><p>설명 <em>키</em>를 켭니다.</p><steps><item><p>누릅니다.</p></item><item><p>켭니다.</p></item></steps>
      <section><title>더</title><note><title>팁</title><p>도움말</p></note><screen>$ ls
  a</screen><table><tr><td><p>포트</p></td><td><p>80</p></td></tr></table></section></page>)");
  EXPECT_EQ("탄력키", page.value().title);
  EXPECT_EQ(
      "# 탄력키\n\n설명 키를 켭니다.\n\n1. 누릅니다.\n2. 켭니다.\n\n## 더\n\n팁\n\n도움말\n\n```\n$ ls\n  "
      "a\n```\n\n포트 | 80",
      page.value().text);
}

TEST(ExtractXml, ReadsDocBookAndDoesNotExpandEntities) {
  const auto page = extract_xml(
      "<!DOCTYPE chapter [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;'><!ENTITY c SYSTEM "
      "'file:///etc/hostname'>]>"
      "<chapter><title>장</title><sect1><title>절</title><para>글 &b;&c;끝</para></sect1></chapter>");
  EXPECT_EQ("# 장\n\n## 절\n\n글 끝", page.value().text);
}

TEST(MarkupRoles, BoilerplateNamesAreWholeWords) {
  for (const char* name : {"nav", "site-footer", "NavBar", "main navHeader", "page_sidebar", "breadcrumbs"})
    EXPECT_TRUE(names_boilerplate(name)) << name;
  for (const char* name : {"", "navy", "content", "footnote", "headline", "address", "adage"})
    EXPECT_FALSE(names_boilerplate(name)) << name;
}

TEST(Words, AreComparableBetweenScripts) {
  EXPECT_DOUBLE_EQ(3, words_in("one two, 3"));
  EXPECT_NEAR(2, words_in("한국어입니"), 1e-9);
  EXPECT_DOUBLE_EQ(0, words_in(" … | "));
}

// Real pages: what must be there, and what must not.
TEST(ExtractHtml, DebianManualsAreFreeOfNavigation) {
  const fs::path page = "/usr/share/doc/installation-guide-amd64/ko/ch01s01.html";
  const fs::path help = "/usr/share/libreoffice/help/ko/text/scalc/01/05030200.html";
  if (!fs::exists(page) || !fs::exists(help)) GTEST_SKIP() << "installation-guide-amd64, libreoffice-help-ko";
  const std::string guide = html(read_file(page)), office = html(read_file(help));
  EXPECT_THAT(guide, HasSubstr("## 1.1. 데비안이란?"));
  EXPECT_THAT(guide, Not(HasSubstr("| |")));
  EXPECT_THAT(guide, Not(HasSubstr("처음으로")));
  EXPECT_THAT(office, HasSubstr("# 최적 행 높이"));
  for (const char* chrome : {"debug info", "Contents", "Index"}) EXPECT_THAT(office, Not(HasSubstr(chrome)));
}

}  // namespace
}  // namespace maru::data
