#include "http/json_body.h"

#include <gtest/gtest.h>

namespace maru::http {
namespace {

std::string word_of(std::string_view body) {
  try {
    read_object(body);
  } catch (const RequestFailure& failure) {
    EXPECT_EQ("", failure.field()) << body;
    return failure.word();
  }
  return "";
}

TEST(ReadObject, TakesObjectsAlone) {
  EXPECT_EQ((Json{{"a", 1}, {"b", {{"c", nullptr}}}}), read_object(R"({"a":1,"b":{"c":null},"d":null})"))
      << "null means absent";
  EXPECT_EQ(Json::object(), read_object(" {}\n"));
  for (const char* body : {"", "[]", "[{}]", "3", "\"a\"", "null", "true", "{", "{}x", "{\"a\":\"\xff\"}"})
    EXPECT_EQ("invalid_json", word_of(body)) << body;
}

TEST(ToLine, IsALineOfUtf8) {
  EXPECT_EQ("{\"a\":\"b\\nc\",\"d\":\"\xEA\xB0\x80\"}", to_line({{"a", "b\nc"}, {"d", "\xEA\xB0\x80"}}));
  EXPECT_EQ("\"\xEF\xBF\xBDx\"", to_line("\xFFx")) << "what is no character is seen to be none";
}

}  // namespace
}  // namespace maru::http
