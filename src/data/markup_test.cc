// HTML and XML extraction, and the choice of the main text.
#include "data/markup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>

#include "base/file.h"
#include "data/boilerplate.h"
#include "data/markup_bounds.h"
#include "data/markup_hints.h"

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

// Short pages whose every word is their text.
TEST(ExtractHtml, NamesThatOnlySoundLikeBoilerplateRemoveNothing) {
  const std::string p = "<p>쿠키는 서버가 보낸 작은 글이다. 브라우저가 돌려보낸다. 이 글은 남아야 한다.</p>";
  const std::string kKept[] = {
      "<main><h1>글</h1><section id=cookies><h2>쿠키</h2>" + p + "</section></main>",
      "<main class=has-toc><h1>글</h1>" + p + "</main>",
      "<main><h1>글</h1><article class=related-post>" + p + "</article></main>",
      "<article class=related-post><h1>글</h1>" + p + "</article>",
      "<div class=contentWithSidebar><h1>글</h1>" + p + "</div>",
      "<div role=main><div class=section id=menu><h2>차림표</h2>" + p + "</div></div>",
      "<div class=body role=main><section id=ads><h1>광고</h1>" + p + "</section></div>",
      "<section id=cookies><h2>쿠키</h2>" + p + "</section>",
      "<div id=comments><h2>주석</h2>" + p + "</div>",
      "<main><div class=sidebar><p class=title>참고</p>" + p + "</div><h2>글</h2>" + p + "</main>",
      "<main><aside class=admonition>" + p + "</aside></main>",
      "<main><div class='noprint'><p>" + p + "</div></main>",
      "<body class='nav-open page sidebar'><h1>글</h1>" + p + "</body>",
      "<article><h1>글</h1><dl><dt id=toc>차례</dt><dd class=share>" + p + "</dd></dl></article>",
      "<main><div class=popup id=popup><h3>창</h3>" + p + "</div></main>",
      "<div class=main-navigation-page><h1>글</h1>" + p + "</div>",
      "<main><h2 id=nav class=banner>길</h2>" + p + "</main>",
      "<blockquote>" + p + "<footer>어느 책에서</footer></blockquote>" + p,
      "<body style='display:none'><main><h1>글</h1>" + p + "</main></body>",
      "<div aria-hidden=true><main><h1>글</h1>" + p + "</main></div>",
      // as reported for readers of others (Readability, Defuddle, Miniflux)
      "<div id=menu-wrap><h1>글</h1>" + p + p + "</div>",
      "<div class=social-rel><h1>글</h1>" + p + "</div>",
      "<div class=below-header-container><h1>글</h1>" + p + "</div>",
      "<div class=overlay aria-hidden=true><div class=letter>" + p + p + "</div></div><div id=site-footer>회사</div>",
      "<main><pre><code>f() <span class=comment>// 이 글은 남아야 한다</span></code></pre></main>",
      "<main><h2 id=gdpr-title>글</h2><p class=promo-paragraph>이 글은 남아야 한다. 문장이 몇 개 더 있다. 이름이 "
      "문제다.</p></main>",
  };
  for (const std::string& page : kKept) EXPECT_THAT(html(page), HasSubstr("이 글은 남아야 한다")) << page;
}

TEST(ExtractHtml, AnArticleBesideASidebarWinsAgainstItsTerms) {
  std::string paragraph;
  for (int i = 0; i < 12; ++i) paragraph += "기사의 글은 길고 사람이 읽을 만하다. ";
  const std::string text =
      html("<div class=page-with-sidebar><div class=story><h1>기사</h1><p>" + paragraph +
           "</p></div><div class=sidebar><ul><li><a "
           "href=1>다른 기사 하나</a><li><a href=2>다른 기사 둘</a></ul></div></div><div class=footer><p>이용 약관: " +
           paragraph.substr(0, 200) + "</p></div>");
  EXPECT_THAT(text, HasSubstr("기사의 글은"));
  EXPECT_THAT(text, Not(HasSubstr("다른 기사")));
  EXPECT_THAT(text, Not(HasSubstr("이용 약관")));
}

TEST(ExtractHtml, WhatIsBoilerplateByStructureStillGoes) {
  const std::string p = "<p>본문은 남는다. 사람이 읽는 글이기 때문이다. 링크는 없다.</p>";
  const std::string links = "<ul><li><a href=1>버릴 것 하나</a><li><a href=2>버릴 것 둘</a></ul>";
  const std::string kPages[] = {
      "<main>" + p + "<div class=related>" + links + "</div></main>",
      "<main>" + p + "<div class=share>버릴 것</div></main>",
      "<main>" + p + "<nav>" + links + "</nav></main>",
      "<main>" + p + "<aside>" + links + "</aside></main>",
      "<main>" + p + "<footer>버릴 것</footer></main>",
      "<main>" + p + "</main><div>버릴 것: 메인이 아니다</div>",
      "<div>" + p + p + "</div><div class=cookie-banner>버릴 것: 쿠키를 씁니다. <button>네</button></div>",
      "<div>" + p + p + "</div><div class=comments><form><textarea></textarea><p>버릴 것: 덧글</p></form></div>",
      "<div>" + p + p + "</div><div role=search>버릴 것</div>",
      "<div>" + p + p + "</div><div aria-hidden=true><p>버릴 것</p></div>",
      "<div>" + p + p + "</div><ul class='docnav top'><li><a href=1>버릴 것</a></ul>",
      "<article>" + p + p + "</article><article><a href=1>버릴 것</a></article>",
      "<header><p>버릴 것</p></header><main>" + p + "</main>",
      "<main>" + p + "</main><aside><article>버릴 것</article></aside>",
  };
  for (const std::string& page : kPages) {
    EXPECT_THAT(html(page), HasSubstr("본문은 남는다")) << page;
    EXPECT_THAT(html(page), Not(HasSubstr("버릴 것"))) << page;
  }
}

TEST(ExtractHtml, LinksThatServeWorkOnThePageGo) {
  const std::pair<const char*, const char*> kHeadings[] = {
      {"<h2>절<a class=headerlink href='#x' title='Permalink'>¶</a></h2>", "## 절"},
      {"<h2><span>절</span><a href='#x'>#</a></h2>", "## 절"},
      {"<h2><a class=hash-link href='#x'>Direct link</a>절</h2>", "## 절"},
      {"<h2><a class=anchor href='#x' aria-hidden=true>x</a>절</h2>", "## 절"},
      {"<h2>절 <a href='p.html#x'>🔗</a></h2>", "## 절"},
      {"<h2>절<span class=mw-editsection>[<a href=e>고치기</a>]</span></h2>", "## 절"},
      {"<h2><a class=toc-backref href='#id1'>절</a></h2>", "## 절"},
      {"<h2>절 <a href='#n1'>[1]</a></h2>", "## 절 [1]"},
      {"<h2>C<a href='#x'>#</a> 말</h2>", "## C 말"},
      {"<h2><a class=permalink href='/2020/x'>절</a></h2>", "## 절"},
      {"<h2>절 <a href='https://x.org'>★</a></h2>", "## 절 ★"},
  };
  for (const auto& [heading, expected] : kHeadings)
    EXPECT_EQ(std::string(expected) + "\n\n글", html(std::string("<main>") + heading + "<p>글</p></main>")) << heading;
}

TEST(ExtractHtml, HiddenTextIsNotRead) {
  const char* kHidden[] = {"<p style='display: none'>숨김</p>",
                           "<p style='DISPLAY:NONE !important'>숨김</p>",
                           "<div style='color:red; display :none;'>숨김</div>",
                           "<p hidden>숨김</p>",
                           "<p hidden=''>숨김</p>",
                           "<p hidden=hidden>숨김</p>",
                           "<p style='visibility:hidden'>숨김</p>",
                           "<p style='visibility: hidden'><b>숨김</b></p>",
                           "<template><p>숨김</p></template>",
                           "<noscript>숨김</noscript>",
                           "<span aria-hidden=true>숨김</span>",
                           "<p><i style='display:none'>숨김</i></p>",
                           "<select><option>숨김</select>",
                           "<button>숨김</button>",
                           "<math><annotation encoding='application/x-tex'>숨김</annotation></math>",
                           "<dialog>숨김</dialog>",
                           "<p style='display:none;'><span style='display:inline'>숨김</span></p>"};
  for (const char* hidden : kHidden)
    EXPECT_EQ("글 앞\n\n글 뒤", html("<main><p>글 앞</p>" + std::string(hidden) + "<p>글 뒤</p></main>")) << hidden;
  const char* kShown[] = {"<p style='display:none;display:block'>보임</p>",
                          "<p hidden=until-found>보임</p>",
                          "<p aria-hidden=false>보임</p>",
                          "<p style='visibility:hidden'><b style='visibility:visible'>보임</b></p>",
                          "<p style='color:#none'>보임</p>",
                          "<details><summary>보임</summary></details>",
                          "<div><template shadowrootmode=open><p>보임</p></template></div>"};
  for (const char* shown : kShown)
    EXPECT_THAT(html("<main><p>글 앞</p>" + std::string(shown) + "<p>글 뒤</p></main>"), HasSubstr("보임")) << shown;
}

TEST(ExtractHtml, RubyKeepsItsBaseAndCountsTheReadings) {
  const std::pair<const char*, const char*> kRuby[] = {
      {"<ruby>江<rt>강</rt></ruby>", "江"},
      {"<ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp>字<rp>(</rp><rt>じ</rt><rp>)</rp></ruby>を", "漢字を"},
      {"<ruby><rb>旧<rb>金<rb>山<rt>jiù<rt>jīn<rt>shān</ruby>", "旧金山"},
      {"<ruby>東京<rt>とうきょう<rtc>Tokyo</rtc></ruby>", "東京"},
      {"<ruby><ruby>攻殻<rt>こうかく</rt></ruby><rt>GHOST</rt></ruby>", "攻殻"},
      {"<ruby>base<rt>reading</ruby> after", "base after"},
  };
  for (const auto& [ruby, expected] : kRuby) {
    const ExtractedText page = extract_html("<main><p>" + std::string(ruby) + "</p></main>").value();
    EXPECT_EQ(expected, page.text) << ruby;
    EXPECT_GT(page.readings, 0);
  }
}

TEST(ExtractHtml, HostilePagesEndQuickly) {
  const auto start = std::chrono::steady_clock::now();
  std::string deep, unclosed, attributes = "<main><p";
  for (int i = 0; i < 50000; ++i) deep += "<div>", unclosed += "<b><p>x</i>";
  for (int i = 0; i < 100000; ++i) attributes += " a" + std::to_string(i) + "='b'";
  EXPECT_FALSE(extract_html(deep).ok()) << "deeper than the limit";
  for (const std::string& page : {unclosed, attributes + ">글</p></main>", std::string(1 << 18, '<')}) {
    const auto result = extract_html(page);
    EXPECT_TRUE(result.ok() || !result.error().message.empty());
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

// Our own work; that of the library is counted by tests/run_growth.
TEST(ExtractHtml, WorkDoublesWithThePage) {
  const auto repeat = [](std::string_view unit, size_t n) {
    std::string text;
    for (size_t i = 0; i < n; ++i) text += unit;
    return text;
  };
  const std::function<std::string(size_t)> kPages[] = {
      [&](size_t n) { return "<main><p" + repeat(" a=b", n) + ">글"; },
      [&](size_t n) { return "<main><table>" + repeat("<tr><td>a<td>b", n) + "</table>"; },
      [&](size_t n) { return "<main><table><tr>" + repeat("<td>a", n) + "</table>"; },
      [&](size_t n) { return repeat("<div class='nav sidebar'><p>글</p></div>", n); },
      [&](size_t n) { return repeat("<div class=nav>", 200) + repeat("<h2>글</h2><input>", n); },
      [&](size_t n) { return "<main>" + repeat("<a href='#x'><b><i>¶</i></b></a>", n); },
      [&](size_t n) { return "<main><p style='" + repeat("display;", n) + "'>글"; },
      [&](size_t n) { return repeat("<ruby>a<rt>b</rt></ruby>", n); },
  };
  for (const auto& page : kPages) {
    const auto steps = [&](size_t n) { return static_cast<double>(extract_html(page(n)).value().steps); };
    EXPECT_LT(steps(4000), 2.2 * steps(2000)) << page(1);
  }
}

TEST(MarkupBounds, OnlyAttributesBeyondTheBoundGo) {
  std::string many = "<p", kept = "<p";
  for (int i = 0; i < 300; ++i) {
    const std::string attribute = " a" + std::to_string(i) + "='>'";
    many += attribute;
    if (i < kMaxAttributes) kept += attribute;
  }
  const BoundedMarkup bounded = bound_markup(many + ">글</p>", false);
  EXPECT_EQ(kept + ">글</p>", bounded.text);
  EXPECT_EQ(300 - kMaxAttributes, bounded.attributes);
  const char* kSame[] = {"",
                         "글",
                         "<",
                         "<p",
                         "<p ",
                         "<p a",
                         "<p a=",
                         "<p a='",
                         "<p a='x' b = \"y\" c=z/>",
                         "<!-- <p a",
                         "<!doctype html>",
                         "a < b && c <d e f> g",
                         "<script>if (a<b && c>d) '<p x'</script><p>",
                         "<a/b/c>",
                         "<p =a ==b>",
                         "</p a>",
                         "<?x?>"};
  for (const char* page : kSame) EXPECT_EQ(page, bound_markup(page, false).text);
  EXPECT_EQ("ab", bound_markup(std::string("a\0b", 3), false).text);
  EXPECT_EQ(1, bound_markup(std::string("a\0b", 3), false).zeros);
  EXPECT_EQ(
      "<?xml version='1.0'?>\n<a>&b;<![CDATA[<!DOCTYPE x>]]></a>",
      bound_markup("<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b ']>'>]>\n<a>&b;<![CDATA[<!DOCTYPE x>]]></a>", true)
          .text);
  std::string html_tags;
  for (int i = 0; i < 1000; ++i) html_tags += "<html a" + std::to_string(i) + "=b>";
  EXPECT_EQ(1000 - kMaxAttributes, bound_markup(html_tags, false).attributes)
      << "the parser puts them all on one element";
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

TEST(MarkupHints, NamesAreWholeWordsAndDescribeNoLayout) {
  for (const char* name : {"nav", "site-footer", "NavBar", "main navHeader", "page_footer", "breadcrumbs",
                           "cookie-notice", "share_buttons", "footer-content"})
    EXPECT_EQ(NameHint::kPlace, hint_of_names(name)) << name;
  for (const char* name : {"cookies", "ads", "related", "page_sidebar", "toc", "comments", "noprint"})
    EXPECT_EQ(NameHint::kTopic, hint_of_names(name)) << name;
  for (const char* name : {"headerlink", "hash-link", "mw-editsection", "viewcode-link", "anchorjs-link x"})
    EXPECT_EQ(NameHint::kService, hint_of_names(name)) << name;
  for (const char* name :
       {"", "navy", "content", "footnote", "headline", "address", "adage", "has-toc", "page-with-sidebar",
        "contentWithSidebar", "related-post", "no-sidebar", "sidebar-page", "sidebar-layout", "nav-open"})
    EXPECT_EQ(NameHint::kNone, hint_of_names(name)) << name;
}

TEST(MarkupHints, StylesInAnySpelling) {
  for (const char* style :
       {"display:none", "display: none", "DISPLAY : NONE;", "color:red;display:none !important", "display:/* x */none",
        " display\n:\tnone", "display:none!important;display:block", "display:block;display:none"})
    EXPECT_EQ(Visibility::kNotDisplayed, visibility_of_style(style)) << style;
  for (const char* style : {"visibility:hidden", "Visibility: Hidden", "visibility:collapse"})
    EXPECT_EQ(Visibility::kHidden, visibility_of_style(style)) << style;
  for (const char* style : {"", "display:block", "display:none;display:block", "x-display:none",
                            "content:'display:none'x", "/* display:none */", "display:none-such", "display:none !x"})
    EXPECT_EQ(Visibility::kInherited, visibility_of_style(style)) << style;
  EXPECT_EQ(Visibility::kShown, visibility_of_style("visibility:visible"));
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
