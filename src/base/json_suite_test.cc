// Another project's suite of JSON texts (../shared/data/suites/json): y_ must be read, n_ must be refused, and what the
// standard leaves open (i_) is decided here.
#include <gmock/gmock.h>

#include <map>

#include "base/file.h"
#include "base/json.h"

namespace maru {
namespace {

const fs::path kSuite = "../shared/data/suites/json/test_parsing";

/// What we make of the open ones: the text as we write it again, or the beginning of why not.
const std::map<std::string, std::string>& decided() {
  static const std::string kBad = "! invalid string: ill-formed UTF-8 byte", kSurrogate = "! invalid string: surrogate",
                           kRange = "! number overflow", kWide = "! expected JSON in UTF-8, got UTF-16";
  static const std::map<std::string, std::string> kDecided{
      {"i_number_double_huge_neg_exp", "[0.0]"},
      {"i_number_huge_exp", kRange},
      {"i_number_neg_int_huge_exp", kRange},
      {"i_number_pos_double_huge_exp", kRange},
      {"i_number_real_neg_overflow", kRange},
      {"i_number_real_pos_overflow", kRange},
      {"i_number_real_underflow", "[0.0]"},
      {"i_number_too_big_neg_int", "[-1.2312312312312312e+29]"},
      {"i_number_too_big_pos_int", "[1e+20]"},
      {"i_number_very_big_negative_int", "[-2.374623746732769e+47]"},
      {"i_object_key_lone_2nd_surrogate", kSurrogate},
      {"i_string_1st_surrogate_but_2nd_missing", kSurrogate},
      {"i_string_1st_valid_surrogate_2nd_invalid", kSurrogate},
      {"i_string_UTF-16LE_with_BOM", kWide},
      {"i_string_UTF-8_invalid_sequence", kBad},
      {"i_string_UTF8_surrogate_U+D800", kBad},
      {"i_string_incomplete_surrogate_and_escape_valid", kSurrogate},
      {"i_string_incomplete_surrogate_pair", kSurrogate},
      {"i_string_incomplete_surrogates_escape_valid", kSurrogate},
      {"i_string_invalid_lonely_surrogate", kSurrogate},
      {"i_string_invalid_surrogate", kSurrogate},
      {"i_string_invalid_utf-8", kBad},
      {"i_string_inverted_surrogates_U+1D11E", kSurrogate},
      {"i_string_iso_latin_1", kBad},
      {"i_string_lone_second_surrogate", kSurrogate},
      {"i_string_lone_utf8_continuation_byte", kBad},
      {"i_string_not_in_unicode_range", kBad},
      {"i_string_overlong_sequence_2_bytes", kBad},
      {"i_string_overlong_sequence_6_bytes", kBad},
      {"i_string_overlong_sequence_6_bytes_null", kBad},
      {"i_string_truncated-utf-8", kBad},
      {"i_string_utf16BE_no_BOM", kWide},
      {"i_string_utf16LE_no_BOM", kWide},
      {"i_structure_500_nested_arrays", "! nested more than 256 levels deep"},
      {"i_structure_UTF-8_BOM_empty_object", "{}"},
  };
  return kDecided;
}

TEST(JsonSuite, ReadsAndRefusesWhatOthersAgreeOn) {
  if (!fs::exists(kSuite)) GTEST_SKIP() << "needs " << kSuite;
  std::map<char, int> count;
  for (const fs::path& path : list_files(kSuite)) {
    const std::string name = path.stem().string();
    const Result<Json> json = parse_json(read_file(path), "x");
    ++count[name[0]];
    if (name[0] == 'y') {
      EXPECT_TRUE(json.ok()) << name << ": " << json.error().message;
    } else if (name[0] == 'n') {
      EXPECT_FALSE(json.ok()) << name;
    } else if (const std::string& expected = decided().at(name); expected.starts_with('!')) {
      ASSERT_FALSE(json.ok()) << name << ": " << json.value().dump();
      EXPECT_THAT(json.error().message, testing::HasSubstr(expected.substr(2))) << name;
    } else {
      ASSERT_TRUE(json.ok()) << name << ": " << json.error().message;
      EXPECT_EQ(expected, json.value().dump()) << name;
    }
    if (json.ok())
      EXPECT_EQ(json.value(), parse_json(json.value().dump(), "again").value()) << name;
    else
      EXPECT_NO_THROW((void)Json(json.error().message).dump()) << name << ": an error that is not UTF-8";
  }
  EXPECT_EQ(95, count['y']);
  EXPECT_EQ(188, count['n']);
  EXPECT_EQ(35, count['i']);
}

}  // namespace
}  // namespace maru
