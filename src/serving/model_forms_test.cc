#include "serving/model_forms.h"

#include <gtest/gtest.h>

#include "infer/fake_model.h"
#include "models/answer_forms.h"

namespace maru::serving {
namespace {

TEST(ModelForms, TheTemplateSaysUnlessTheOptionsDo) {
  const text::Tokenizer tokenizer = infer::byte_tokenizer();
  const text::ChatTemplate chatml = text::ChatTemplate::chatml(tokenizer);
  EXPECT_EQ("hermes", forms_of("auto", "auto", &chatml).calls->name);
  EXPECT_EQ(nullptr, forms_of("auto", "auto", &chatml).reasoning);
  EXPECT_EQ(nullptr, forms_of("auto", "auto", nullptr).calls);
  EXPECT_EQ(nullptr, forms_of("none", "auto", &chatml).calls);
  EXPECT_EQ("mistral", forms_of("mistral", "think_tags", &chatml).calls->name);
  EXPECT_EQ("think_tags", forms_of("auto", "think_tags", nullptr).reasoning->name);
  EXPECT_THROW(forms_of("qwen", "auto", &chatml), Failure);
  EXPECT_THROW(forms_of("auto", "qwen", &chatml), Failure);
}

TEST(ModelForms, ATemplateForToolsCounts) {
  auto two = text::ChatTemplate::create({{"default", "{{ messages }}", "a"}, {"tool_use", "[TOOL_CALLS]", "b"}}, {});
  EXPECT_EQ("mistral", forms_of("auto", "auto", &*two).calls->name);
}

TEST(ModelForms, ATokenThatEndsAPartOfAnAnswerDoesNotEndIt) {
  const text::Tokenizer tokenizer = infer::byte_tokenizer();
  const text::AnswerForms turns{.calls = nullptr, .reasoning = find_reasoning_form("hyperclovax", "")};
  EXPECT_EQ((std::vector<int32_t>{1}), end_tokens_of({1, 3}, tokenizer, turns)) << "3 is <|im_end|>";
  EXPECT_EQ((std::vector<int32_t>{3}), end_tokens_of({3}, tokenizer, turns)) << "something has to";
  EXPECT_EQ((std::vector<int32_t>{1, 3}), end_tokens_of({1, 3}, tokenizer, {}));
}

}  // namespace
}  // namespace maru::serving
