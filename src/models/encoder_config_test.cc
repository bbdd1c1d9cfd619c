// What config.json and sentence-transformers' files say, and what is refused.
#include "models/encoder_config.h"

#include <gmock/gmock.h>

#include "models/sentence_encoder.h"

namespace maru {
namespace {

using testing::HasSubstr;

Json bert() {
  return {{"architectures", {"BertModel"}},
          {"model_type", "bert"},
          {"vocab_size", 100},
          {"hidden_size", 24},
          {"intermediate_size", 32},
          {"num_hidden_layers", 2},
          {"num_attention_heads", 3},
          {"max_position_embeddings", 64},
          {"pad_token_id", 0}};
}

Json with(Json json, const char* key, Json value) {
  json[key] = std::move(value);
  return json;
}

std::string error_of(const Json& json) {
  try {
    encoder_config_from_hugging_face(json, "config.json");
    return "no error";
  } catch (const Failure& e) {
    return e.error().message;
  }
}

TEST(EncoderConfig, ReadsBert) {
  const EncoderConfig c = encoder_config_from_hugging_face(bert(), "config.json");
  EXPECT_EQ(8, c.head_dim());
  EXPECT_EQ(64, c.max_tokens());
  EXPECT_EQ(0, c.num_labels);
  EXPECT_EQ(1e-12, c.layer_norm_eps);
  EXPECT_EQ(Activation::kGelu, c.activation());
}

TEST(EncoderConfig, RobertaCountsPositionsFromBehindThePadding) {
  for (const char* name : {"RobertaModel", "XLMRobertaForMaskedLM", "CamembertModel"}) {
    const Json json = with(with(bert(), "architectures", {name}), "pad_token_id", 1);
    const EncoderConfig c = encoder_config_from_hugging_face(json, "config.json");
    EXPECT_EQ(2, c.position_offset) << name;
    EXPECT_EQ(62, c.max_tokens()) << name;
  }
}

TEST(EncoderConfig, CountsTheLabelsOfAClassifier) {
  Json json = with(bert(), "architectures", {"BertForSequenceClassification"});
  EXPECT_EQ(2, encoder_config_from_hugging_face(json, "").num_labels);  // what transformers assumes
  json["id2label"] = {{"0", "LABEL_0"}};
  const EncoderConfig c = encoder_config_from_hugging_face(json, "");
  EXPECT_EQ(1, c.num_labels);
  EXPECT_EQ("pooler", c.classifier_layout);
  json["architectures"] = {"XLMRobertaForSequenceClassification"};
  EXPECT_EQ("head", encoder_config_from_hugging_face(json, "").classifier_layout);
}

TEST(EncoderConfig, ScoresAsTheModelSays) {
  Json json = with(with(bert(), "architectures", {"BertForSequenceClassification"}), "id2label", {{"0", "A"}});
  EXPECT_TRUE(encoder_config_from_hugging_face(json, "").sigmoid_score);
  json["sbert_ce_default_activation_function"] = "torch.nn.modules.linear.Identity";
  EXPECT_FALSE(encoder_config_from_hugging_face(json, "").sigmoid_score);
  json["sentence_transformers"] = {{"activation_fn", "torch.nn.modules.activation.Sigmoid"}};
  EXPECT_TRUE(encoder_config_from_hugging_face(json, "").sigmoid_score);
  json["sentence_transformers"] = {{"activation_fn", "torch.nn.modules.activation.Softplus"}};
  EXPECT_THAT(error_of(json), HasSubstr("expected Sigmoid or Identity"));
}

TEST(EncoderConfig, RefusesWhatWouldChangeTheNumbers) {
  EXPECT_THAT(error_of(with(bert(), "architectures", {"ModernBertModel"})), HasSubstr("got \"ModernBertModel\""));
  EXPECT_THAT(error_of(with(bert(), "architectures", {"RobertaForTokenClassification"})),
              HasSubstr("expected BertModel"));
  EXPECT_THAT(error_of(with(bert(), "architectures", "BertModel")), HasSubstr("got \"\""));
  EXPECT_THAT(error_of(with(bert(), "position_embedding_type", "relative_key")), HasSubstr("expected absolute"));
  EXPECT_THAT(error_of(with(bert(), "is_decoder", true)), HasSubstr("is_decoder in an encoder is not supported"));
  EXPECT_THAT(error_of(with(bert(), "hidden_act", "quick_gelu")), HasSubstr("\"quick_gelu\" is not supported"));
}

TEST(EncoderConfig, RefusesNumbersThatDoNotFit) {
  EXPECT_THAT(error_of(with(bert(), "num_attention_heads", 5)), HasSubstr("hidden_size 24 is not a multiple"));
  EXPECT_THAT(error_of(with(bert(), "hidden_size", -4)), HasSubstr("hidden_size: expected"));
  EXPECT_THAT(error_of(with(bert(), "hidden_size", "wide")), HasSubstr("hidden_size: expected"));
  EXPECT_THAT(error_of(with(bert(), "vocab_size", nullptr)), HasSubstr("vocab_size"));
  EXPECT_THAT(error_of(with(with(bert(), "architectures", {"RobertaModel"}), "pad_token_id", 63)),
              HasSubstr("leaves no position"));
  EXPECT_THAT(error_of(Json::array()), HasSubstr("config.json: expected an object, got []"));
  Json without = bert();
  without.erase("intermediate_size");
  EXPECT_THAT(error_of(without), HasSubstr("config.json: intermediate_size: is missing"));
}

/// A copy of a golden model whose files a test may change.
class SentenceFiles : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(directory_);
    fs::copy("tests/golden/encoders/xlmr_last_dense", directory_, fs::copy_options::recursive);
  }
  void TearDown() override { fs::remove_all(directory_); }
  std::string load_error() {
    try {
      SentenceEncoder::load(directory_);
      return "no error";
    } catch (const Failure& e) {
      return e.error().message;
    }
  }
  void edit(const char* file, const std::function<void(Json&)>& change) {
    Json json = read_json(directory_ / file);
    change(json);
    write_json(directory_ / file, json);
  }
  const fs::path directory_ = fs::temp_directory_path() / ("maru_sentence_" + std::to_string(::getpid()));
};

TEST_F(SentenceFiles, SayHowTextsBecomeVectors) {
  write_file(directory_ / "sentence_bert_config.json", R"({"max_seq_length": 16, "do_lower_case": false})");
  write_file(directory_ / "config_sentence_transformers.json",
             R"({"prompts": {"query": "query: ", "passage": "passage: "}, "default_prompt_name": "query"})");
  const SentenceEncoder model = SentenceEncoder::load(directory_);
  EXPECT_EQ(Pooling::kLast, model.pooling);
  EXPECT_TRUE(model.normalize);
  EXPECT_EQ(20, model.dimension());
  EXPECT_EQ(16, model.max_tokens());
  EXPECT_EQ("passage: ", model.prompts().at("passage"));
  EXPECT_EQ("query", model.default_prompt());
}

TEST_F(SentenceFiles, APlainDirectoryIsPooledByTheMean) {
  fs::remove(directory_ / "modules.json");
  const SentenceEncoder model = SentenceEncoder::load(directory_);
  EXPECT_EQ(Pooling::kMean, model.pooling);
  EXPECT_FALSE(model.normalize);
  EXPECT_EQ(32, model.dimension());
  EXPECT_EQ(38, model.max_tokens());
}

TEST_F(SentenceFiles, NewerFilesNameThePoolingMode) {
  write_file(directory_ / "1_Pooling/config.json", R"({"embedding_dimension": 32, "pooling_mode": "cls"})");
  EXPECT_EQ(Pooling::kFirst, SentenceEncoder::load(directory_).pooling);
}

TEST_F(SentenceFiles, RefuseWhatIsNotKnown) {
  edit("1_Pooling/config.json", [](Json& j) { j["pooling_mode_max_tokens"] = true; });
  EXPECT_THAT(load_error(), HasSubstr("2 pooling modes at once (max, lasttoken): expected one"));
  edit("1_Pooling/config.json", [](Json& j) { j["pooling_mode_lasttoken"] = false; });
  EXPECT_THAT(load_error(), HasSubstr("pooling \"max\": expected mean, cls or lasttoken"));
}

TEST_F(SentenceFiles, RefuseModulesInAnotherOrder) {
  edit("modules.json", [](Json& j) { std::swap(j[2], j[3]); });
  EXPECT_THAT(load_error(), HasSubstr("in this order; got Dense"));
  edit("modules.json", [](Json& j) { j[2]["type"] = "sentence_transformers.models.LSTM"; });
  EXPECT_THAT(load_error(), HasSubstr("module LSTM is not supported"));
  edit("modules.json", [](Json& j) { j[1]["path"] = "../1_Pooling"; });
  EXPECT_THAT(load_error(), HasSubstr("expected a folder of the model"));
}

TEST_F(SentenceFiles, RefuseADenseLayerThatDoesNotFit) {
  edit("2_Dense/config.json", [](Json& j) { j["activation_function"] = "torch.nn.modules.activation.Mish"; });
  EXPECT_THAT(load_error(), HasSubstr("\"torch.nn.modules.activation.Mish\" is not supported"));
  edit("2_Dense/config.json", [](Json& j) { j["in_features"] = 31; });
  EXPECT_THAT(load_error(), HasSubstr("2_Dense/config.json: in_features: expected 32, got 31"));
  edit("2_Dense/config.json", [](Json& j) {
    j["in_features"] = 32, j["out_features"] = 21, j["activation_function"] = "torch.nn.modules.activation.Tanh";
  });
  EXPECT_THAT(load_error(), HasSubstr("tensor linear.weight: shape [20, 32], expected [21, 32]"));
}

TEST_F(SentenceFiles, WeightsThatAreMissingAreNamed) {
  edit("config.json", [](Json& j) { j["num_hidden_layers"] = 3; });
  EXPECT_THAT(load_error(), HasSubstr("tensor encoder.layer.2.attention.self.query.weight is missing"));
  fs::remove(directory_ / "model.safetensors");
  EXPECT_THAT(load_error(), HasSubstr("model.safetensors"));
}

}  // namespace
}  // namespace maru
