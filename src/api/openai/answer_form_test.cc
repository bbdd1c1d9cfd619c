#include "api/openai/answer_form.h"

#include <gtest/gtest.h>

#include "api/openai/request.h"
#include "base/request_failure.h"

namespace maru::api::openai {
namespace {

CommonRequest request(const std::string& fields) {
  return parse_completion_request(R"({"model": "m", "prompt": "p")" + (fields.empty() ? "" : ", " + fields) + "}");
}

std::string refused_field(const std::string& fields) {
  try {
    read_answer_form(request(fields));
  } catch (const RequestFailure& failure) {
    return failure.field();
  }
  return "nothing refused";
}

TEST(AnswerForm, EveryWordForItIsKnown) {
  EXPECT_EQ(nullptr, read_answer_form(request("")));
  EXPECT_EQ(nullptr, read_answer_form(request(R"("response_format": {"type": "text"}, "nvext": {})")));
  const std::string tag = R"("structured_outputs": {"structural_tag": )" +
                          Json(R"({"type": "structural_tag", "triggers": ["<a>"], "structures": [{"begin": "<a>",
                                   "schema": {}, "end": "</a>"}]})")
                              .dump() +
                          "}";
  for (const char* fields :
       {R"("response_format": {"type": "json_object"})",
        R"("response_format": {"type": "json_schema", "json_schema": {"name": "n", "strict": true, "schema": {}}})",
        R"("response_format": {"type": "structural_tag", "structures": [{"begin": "<a>", "schema": {}, "end": "</a>"}],
            "triggers": ["<a>"]})",
        R"("guided_json": {"type": "string"})", R"("guided_json": "{\"type\": \"string\"}")", R"("guided_regex": "a+")",
        R"("guided_choice": ["a", "b"], "guided_decoding_backend": "x")", R"("guided_grammar": "root ::= [a-z]")",
        R"("nvext": {"guided_json": {"type": "number"}})",
        R"("structured_outputs": {"json_object": true, "disable_any_whitespace": false})", tag.c_str()})
    EXPECT_NE(nullptr, read_answer_form(request(fields))) << fields;
}

TEST(AnswerForm, ATagsOptionsAreItsOwn) {
  const auto digest = [](const std::string& more) {
    return read_answer_form(request(R"("response_format": {"type": "structural_tag", "triggers": ["<a>"],
                                       "structures": [{"begin": "<a>", "schema": {}, "end": "</a>"}])" +
                                    more + "}"))
        ->digest();
  };
  EXPECT_EQ(digest(""), digest(R"(, "at_least_one": false, "stop_after_first": false)"));
  EXPECT_NE(digest(""), digest(R"(, "at_least_one": true)"));
  EXPECT_NE(digest(""), digest(R"(, "stop_after_first": true)"));
}

TEST(AnswerForm, WhatCannotBeKeptIsRefusedByName) {
  EXPECT_EQ("response_format.type", refused_field(R"("response_format": {"type": "yaml"})"));
  EXPECT_EQ("response_format.json_schema.schema",
            refused_field(R"("response_format": {"type": "json_schema", "json_schema": {"schema": {"contains": {}}}})")
                .substr(0, 34));
  EXPECT_EQ("response_format", refused_field(R"("response_format": {"type": "json_object", "more": 1})"));
  EXPECT_EQ("response_format.json_schema",
            refused_field(R"("response_format": {"type": "json_schema", "json_schema": {"schema": {}, "more": 1}})"));
  EXPECT_EQ("guided_regex", refused_field(R"("guided_regex": "(")"));
  EXPECT_EQ("guided_regex", refused_field(R"("guided_regex": "a", "guided_json": {})")) << "the second of two";
  EXPECT_EQ("structured_outputs.lark", refused_field(R"("structured_outputs": {"lark": "x"})"));
  EXPECT_EQ("nvext.guided_whitespace_pattern", refused_field(R"("nvext": {"guided_whitespace_pattern": " *"})"));
  EXPECT_EQ("structured_outputs.disable_any_whitespace",
            refused_field(R"("structured_outputs": {"disable_any_whitespace": true})"));
}

}  // namespace
}  // namespace maru::api::openai
