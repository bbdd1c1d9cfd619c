#include "console/assets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace maru::console {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using testing::UnorderedElementsAre;

const Asset& asset(std::string_view path) {
  return *std::find_if(assets().begin(), assets().end(), [&](const Asset& a) { return a.path == path; });
}

size_t count(std::string_view text, std::string_view part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++n;
  return n;
}

TEST(ConsoleAssets, HoldsEveryPathOnce) {
  std::vector<std::string_view> paths;
  for (const Asset& a : assets()) paths.push_back(a.path);
  EXPECT_THAT(paths, UnorderedElementsAre("/", "/app.js", "/app.css", "/favicon.svg"));
}

TEST(ConsoleAssets, ContentTypesFitTheFiles) {
  EXPECT_EQ(asset("/").content_type, "text/html; charset=utf-8");
  EXPECT_EQ(asset("/app.js").content_type, "text/javascript; charset=utf-8");
  EXPECT_EQ(asset("/app.css").content_type, "text/css; charset=utf-8");
  EXPECT_EQ(asset("/favicon.svg").content_type, "image/svg+xml; charset=utf-8");
}

TEST(ConsoleAssets, BodiesAreWhole) {
  EXPECT_THAT(std::string(asset("/").body), StartsWith("<!doctype html>"));
  EXPECT_THAT(std::string(asset("/").body), EndsWith("</html>\n"));
  EXPECT_THAT(std::string(asset("/app.js").body), HasSubstr("\xEB\xAA\xA8\xEB\x8D\xB8"));  // "모델": UTF-8 survives
}

TEST(ConsoleAssets, EtagsAreStrongAndDistinct) {
  std::set<std::string_view> etags;
  for (const Asset& a : assets()) {
    EXPECT_EQ(a.etag.size(), 34u);
    EXPECT_EQ(a.etag.front(), '"');
    EXPECT_EQ(a.etag.back(), '"');
    etags.insert(a.etag);
  }
  EXPECT_EQ(etags.size(), assets().size());
}

TEST(ConsoleReport, TemplateHasOnePlaceholderAndNoOutsideReference) {
  EXPECT_EQ(count(report_template(), kReportPlaceholder), 1u);
  EXPECT_EQ(count(report_template(), "MARU_REPORT_CSS"), 0u);
  EXPECT_EQ(count(report_template(), "MARU_REPORT_JS"), 0u);
  EXPECT_EQ(count(report_template(), " src="), 0u);
  EXPECT_EQ(count(report_template(), "<link"), 0u);
}

TEST(ConsoleReport, DataCannotCloseTheScript) {
  const std::string html = report_html(R"({"text":"</script><!--<b>"})");
  EXPECT_THAT(html, HasSubstr(R"({"text":"\u003c/script>\u003c!--\u003cb>"})"));
  EXPECT_THAT(html, Not(HasSubstr(std::string(kReportPlaceholder))));
  EXPECT_EQ(count(html, "</script>"), count(report_template(), "</script>"));
}

}  // namespace
}  // namespace maru::console
