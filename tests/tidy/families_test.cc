// What is known of a family stands in its own file: no other source of the program names an architecture.
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>

#include "tidy/sources.h"

namespace maru::tidy {
namespace {

const std::string kFamilies = "src/models/families/";

/// Where the same words name kinds of vocabularies in tokenizers' files, some of which are called as a family is.
const std::set<std::string> kVocabularies{"src/text/tokenizer/files/", "src/infer/gguf_text.cc",
                                          "src/infer/gguf_tokenizer.cc", "src/cli/export.cc"};
bool is_about_vocabularies(const std::string& path) {
  return std::any_of(kVocabularies.begin(), kVocabularies.end(),
                     [&](const std::string& begin) { return path.starts_with(begin); });
}

/// Hugging Face's classes and types, and GGUF's names.
std::set<std::string> names_of_families() {
  const std::regex name(R"re(\.(name|model_type|class_prefix) = "([^"]+)")re");
  std::set<std::string> names;
  for (const Source& s : program()) {
    if (!s.path.starts_with(kFamilies)) continue;
    for (const std::string& line : s.lines)
      for (std::sregex_iterator it(line.begin(), line.end(), name), end; it != end; ++it) names.insert((*it)[2]);
  }
  return names;
}

TEST(Families, AreNamedInTheirOwnFilesAlone) {
  const std::set<std::string> names = names_of_families();
  ASSERT_GT(names.size(), 30u);
  const std::regex literal(R"re("([A-Za-z0-9_-]+)")re");
  for (const Source& s : program()) {
    if (s.path.starts_with(kFamilies) || is_test(s.path) || is_about_vocabularies(s.path)) continue;
    for (size_t i = 0; i < s.lines.size(); ++i) {
      const std::string code = s.lines[i].substr(0, s.lines[i].find("//"));
      for (std::sregex_iterator it(code.begin(), code.end(), literal), end; it != end; ++it)
        EXPECT_FALSE(names.contains((*it)[1])) << s.path << ":" << i + 1 << " names the architecture " << (*it)[1]
                                               << ": what is known of it belongs below " << kFamilies;
    }
  }
}

TEST(Families, HaveOneLineInTheList) {
  const std::regex defined(R"(extern constinit const Family (k\w+)\{)");
  std::string list;
  std::set<std::string> families;
  for (const Source& s : program()) {
    if (!s.path.starts_with(kFamilies)) continue;
    for (const std::string& line : s.lines) {
      if (s.path.ends_with("/all.cc")) list += line + "\n";
      if (std::smatch match; std::regex_search(line, match, defined)) families.insert(match[1]);
    }
  }
  ASSERT_GT(families.size(), 10u);
  for (const std::string& family : families) {
    const std::string line = "(" + family + ")";
    const size_t at = list.find(line);
    EXPECT_NE(std::string::npos, at) << family << " is not in families/all.cc";
    EXPECT_EQ(std::string::npos, list.find(line, at + 1)) << family << " has more than one line";
  }
}

}  // namespace
}  // namespace maru::tidy
