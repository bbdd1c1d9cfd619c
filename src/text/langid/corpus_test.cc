#include "text/langid/corpus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

namespace maru::text {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A catalogue as msgfmt lays it out: header, two tables of (length, offset), strings with a terminating zero.
std::string catalogue(const std::vector<std::pair<std::string, std::string>>& messages) {
  const auto count = static_cast<uint32_t>(messages.size());
  std::vector<uint32_t> header{0x950412de, 0, count, 28, 28 + 8 * count, 0, 0}, originals, translations;
  std::string strings;
  uint32_t at = 28 + 16 * count;
  const auto add = [&](std::vector<uint32_t>& table, const std::string& text) {
    table.push_back(static_cast<uint32_t>(text.size()));
    table.push_back(at + static_cast<uint32_t>(strings.size()));
    strings += text + '\0';
  };
  for (const auto& [id, text] : messages) add(originals, id), add(translations, text);
  for (const auto& table : {originals, translations}) header.insert(header.end(), table.begin(), table.end());
  return std::string(reinterpret_cast<const char*>(header.data()), header.size() * 4) + strings;
}

TEST(LangidCorpus, PathPatterns) {
  std::string language;
  EXPECT_TRUE(match_path("usr/{language}/*.html", "usr/pt-BR/a.html", language));
  EXPECT_EQ(language, "pt-BR");
  EXPECT_TRUE(match_path("x/{language}/**.page", "x/sr@latin/a/b/c.page", language));
  EXPECT_EQ(language, "sr@latin");
  EXPECT_FALSE(match_path("usr/{language}/*.html", "usr/de/deep/a.html", language));
  EXPECT_FALSE(match_path("usr/{language}/*.html", "usr//a.html", language));
  EXPECT_FALSE(match_path("a", "ab", language));
}

TEST(LangidCorpus, BaseLanguage) {
  EXPECT_EQ(base_language("pt_BR"), "pt");
  EXPECT_EQ(base_language("en-US"), "en");
  EXPECT_EQ(base_language("sr@latin"), "sr");
  EXPECT_EQ(base_language("KO"), "ko");
}

TEST(LangidCorpus, CatalogueGivesTranslationsAndTheirForms) {
  const std::string bytes =
      catalogue({{"", "Language: de\n"}, {"File", "Datei"}, {std::string("a\0b", 3), std::string("x\0y", 3)}});
  EXPECT_THAT(parse_catalogue(bytes, "t.mo").value(), ElementsAre("Datei", "x", "y"));
}

TEST(LangidCorpus, BadCataloguesAreRefused) {
  const std::string bytes = catalogue({{"File", "Datei"}, {"Edit", "Bearbeiten"}});
  EXPECT_THAT(parse_catalogue("", "t.mo").error().message, HasSubstr("t.mo"));
  for (size_t size = 0; size + 1 < bytes.size(); ++size)
    EXPECT_FALSE(parse_catalogue(bytes.substr(0, size), "t.mo").ok()) << size;
  std::string huge = bytes;
  const uint32_t count = 0xffffffff;
  std::memcpy(&huge[8], &count, 4);
  EXPECT_THAT(parse_catalogue(huge, "t.mo").error().message, HasSubstr("4294967295 messages"));
}

TEST(LangidCorpus, MarkupGivesBlocksWithoutCode) {
  const std::string html =
      "<html><head><meta charset=utf-8><title>제목</title><script>var a;</script></head><body>"
      "<p>Ein <b>fetter</b>\n  Satz &amp; <code>code()</code> Ende</p><ul><li>eins<li>zwei</ul></body></html>";
  EXPECT_THAT(markup_paragraphs(html, false), ElementsAre("제목", "Ein fetter Satz & Ende", "eins", "zwei"));
  const std::string mallard =
      "<?xml version='1.0'?><page><title>T</title><p>Ein <gui>Knopf</gui> da</p><p>zwei</p></page>";
  EXPECT_THAT(markup_paragraphs(mallard, true), ElementsAre("T", "Ein Knopf da", "zwei"));
  EXPECT_THAT(markup_paragraphs("", true), IsEmpty());
}

TEST(LangidCorpus, ReadsByExtension) {
  const fs::path folder = fs::temp_directory_path() / "langid_corpus_test";
  fs::create_directories(folder);
  write_file(folder / "a.txt", "eins\nzwei\n\ndrei\n");
  write_file(folder / "a.jsonl", "{\"text\": \"x\\n\\ny\"}\n");
  write_file(folder / "bad.jsonl", "{\"text\": \"x\"}\n{\"txt\": 1}\n");
  write_file(folder / "a.exe", "x");
  EXPECT_THAT(read_paragraphs(folder / "a.txt"), ElementsAre("eins\nzwei", "drei"));
  EXPECT_THAT(read_paragraphs(folder / "a.jsonl"), ElementsAre("x", "y"));
  try {
    read_paragraphs(folder / "bad.jsonl");
    ADD_FAILURE() << "a row without text was accepted";
  } catch (const Failure& failure) {
    EXPECT_THAT(failure.what(), HasSubstr("bad.jsonl:2"));
  }
  EXPECT_THROW(read_paragraphs(folder / "a.exe"), Failure);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace maru::text
