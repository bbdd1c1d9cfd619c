#include "api/nim/probes.h"

#include <gtest/gtest.h>

#include "http/auth.h"
#include "http/test_request.h"
#include "infer/fake_model.h"

namespace maru::api::nim {
namespace {

class ModelProbes : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* id : {"tiny", "base"}) {
      serving::ModelParts parts;
      parts.model = &model_;
      parts.tokenizer = &tokenizer_;
      parts.chat_template = std::string_view(id) == "tiny" ? &chat_template_ : nullptr;
      parts.id = id;
      models_.add(std::move(parts));
    }
    add_model_probes(router_, models_, "1.2.3");
  }
  Json get(const std::string& target) const { return http::json_of(http::get(router_, target)); }

  text::Tokenizer tokenizer_ = infer::byte_tokenizer();
  text::ChatTemplate chat_template_ = text::ChatTemplate::chatml(tokenizer_);
  infer::FakeModel model_;
  serving::ModelHost models_{{.max_running = 3}};
  http::Router router_{std::make_unique<http::ApiKeys>()};
};

TEST_F(ModelProbes, PropsAreThoseOfLlamaCpp) {
  const Json props = get("/props");
  EXPECT_EQ(3, props["total_slots"]);
  EXPECT_EQ(chat_template_.source(), props["chat_template"]);
  EXPECT_EQ("tiny", props["model_path"]) << "no path of this machine";
  EXPECT_EQ("maru 1.2.3", props["build_info"]);
  EXPECT_EQ(false, props["modalities"]["vision"]);
  EXPECT_EQ(models_.get("tiny")->limits().max_context, props["default_generation_settings"]["n_ctx"]);
  EXPECT_EQ(1.0, props["default_generation_settings"]["params"]["temperature"]);
  EXPECT_EQ(tokenizer_.spelling_of(*tokenizer_.eos()), props["eos_token"].get<std::string>());
  EXPECT_EQ("base", get("/props?model=base")["model_alias"]);
  EXPECT_EQ("", get("/props?model=base")["chat_template"]);
  EXPECT_EQ(404, http::get(router_, "/props?model=none").status);
}

TEST_F(ModelProbes, TokenizerInfoIsTheConfigOfATokenizer) {
  const Json info = get("/tokenizer_info");
  EXPECT_EQ(tokenizer_.vocab_size(), info["vocab_size"]);
  EXPECT_EQ(chat_template_.source(), info["chat_template"]);
  EXPECT_EQ(tokenizer_.spec().added_tokens.size(), info["added_tokens_decoder"].size());
  const text::AddedToken& first = tokenizer_.spec().added_tokens.front();
  EXPECT_EQ(first.content, info["added_tokens_decoder"][std::to_string(first.id)]["content"]);
  EXPECT_FALSE(info.contains("unk_token")) << "there is none";
  EXPECT_FALSE(get("/tokenizer_info?model=base").contains("chat_template"));
}

TEST_F(ModelProbes, LoadCountsChoices) { EXPECT_EQ((Json{{"server_load", 0}}), get("/load")); }

}  // namespace
}  // namespace maru::api::nim
