#include "serving/receipt_writer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "base/json.h"
#include "base/request_failure.h"
#include "infer/fake_model.h"
#include "serving/answer.h"
#include "text/grammar/compile.h"

namespace maru::serving {
namespace {

class ReceiptWriterTest : public testing::Test {
 protected:
  const Ed25519Key key_ = Ed25519Key::from_seed(std::string(32, '\3'));
  Receipts receipts_ = signed_receipts(key_, false);
  text::Tokenizer tokenizer_ = infer::byte_tokenizer();
  infer::FakeModel model_;
  ModelHost host_{{.receipts = &receipts_}};
  Caller caller_;
  ChoiceLimits limits_{{.places = 64, .per_client = 64}};

  void SetUp() override {
    model_.only_letters = true;
    host_.add(parts("m", ModelIdentity{.weights = {.sha256 = std::string(64, 'a'), .of = "manifest"},
                                       .dtype = "bf16",
                                       .kv_cache_dtype = "int8",
                                       .isa = "avx2"}));
    host_.add(parts("nobody", std::nullopt));
  }
  ModelParts parts(std::string id, std::optional<ModelIdentity> identity) {
    ModelParts parts;
    parts.model = &model_;
    parts.tokenizer = &tokenizer_;
    parts.id = std::move(id);
    parts.end_tokens = {1, 3};
    parts.identity = std::move(identity);
    return parts;
  }
  static infer::GenerationRequest prompt(std::vector<int32_t> tokens, int64_t choices = 1) {
    infer::GenerationRequest request;
    request.prompt = std::move(tokens);
    request.max_tokens = 150;
    request.choices = choices;
    request.ignore_eos = true;
    return request;
  }
  ReceiptOrder order(bool asked = true) {
    ReceiptOrder order = order_receipt(host_, *host_.get("m"), asked);
    order.id = "answer-1";
    order.route = "/somewhere";
    return order;
  }
  /// The receipt, and the text of each choice.
  std::pair<Json, std::vector<std::string>> ask(std::vector<infer::GenerationRequest> prompts, ReceiptOrder order) {
    Answer answer(
        host_.get("m"), std::move(prompts), limits_, caller_, [] {}, {}, std::move(order));
    std::vector<std::string> texts(answer.num_choices());
    for (AnswerPiece piece;;) switch (answer.next(piece)) {
        case Answer::Next::kPiece: texts.at(static_cast<size_t>(piece.choice)) += piece.text; break;
        case Answer::Next::kWait: std::this_thread::sleep_for(std::chrono::milliseconds(1)); break;
        case Answer::Next::kFailed: ADD_FAILURE() << answer.error().message; return {};
        case Answer::Next::kEnd: return {answer.receipt(), texts};
      }
  }
};

TEST_F(ReceiptWriterTest, SaysWhereAnAnswerCameFrom) {
  const auto [json, texts] = ask({prompt({5, 6, 7})}, order());
  EXPECT_EQ(ledger::SignatureState::kTrusted, ledger::check_signature(json, {key_.public_key()}).state);
  const ledger::Receipt receipt = ledger::parse_receipt(json, "receipt");
  EXPECT_EQ("answer-1", receipt.id);
  EXPECT_EQ("/somewhere", receipt.route);
  EXPECT_TRUE(ledger::parse_timestamp(receipt.time).ok());
  EXPECT_EQ("m", receipt.model.name);
  EXPECT_EQ(std::string(64, 'a'), receipt.model.weights.sha256);
  EXPECT_FALSE(receipt.model.adapter);
  EXPECT_EQ("avx2", receipt.engine.isa);
  EXPECT_EQ("int8", receipt.engine.kv_cache_dtype);
  ASSERT_EQ(1u, receipt.prompts.size());
  EXPECT_EQ(infer::sha256_of_tokens(std::vector<int32_t>{5, 6, 7}), receipt.prompts[0].sha256);
  EXPECT_EQ(3, receipt.prompts[0].num_tokens);
  ASSERT_EQ(1u, receipt.choices.size());
  EXPECT_EQ(150, receipt.choices[0].num_tokens);
  EXPECT_EQ(2u, receipt.choices[0].marks.size());
  EXPECT_EQ("length", receipt.choices[0].finish_reason);
  EXPECT_EQ(sha256_hex(texts[0]), receipt.choices[0].text_sha256);
  EXPECT_EQ(ledger::sha256_of_json({1, 3}), receipt.sampling.end_tokens_sha256);
  EXPECT_EQ("", receipt.sampling.stop_sha256);
}

TEST_F(ReceiptWriterTest, TheTokensAreThoseOfTheText) {
  const auto [json, texts] = ask({prompt({5})}, order());
  std::vector<int32_t> tokens;
  for (const char c : texts[0]) tokens.push_back(5 + static_cast<unsigned char>(c));  // of letters alone
  EXPECT_EQ(infer::sha256_of_tokens(tokens), json["choices"][0]["tokens_sha256"]);
}

TEST_F(ReceiptWriterTest, ASeedThatTheServerChoseMakesTheSameAgain) {
  const Json first = ask({prompt({5, 9}, 3), prompt({6}, 3)}, order()).first;
  std::vector<infer::GenerationRequest> again{prompt({5, 9}, 3), prompt({6}, 3)};
  for (size_t i = 0; i < 2; ++i) again[i].seed = std::stoull(first["prompts"][i]["seed"].get<std::string>());
  EXPECT_NE(first["prompts"][0]["seed"], first["prompts"][1]["seed"]);
  EXPECT_EQ(first["choices"], ask(again, order()).first["choices"]);
  EXPECT_EQ(6u, first["choices"].size());
  EXPECT_EQ(1, first["choices"][3]["prompt"]);
  EXPECT_NE(first["choices"], ask({prompt({5, 9}, 3), prompt({6}, 3)}, order()).first["choices"]);
}

TEST_F(ReceiptWriterTest, EveryParameterIsInIt) {
  using Change = void (*)(infer::GenerationRequest&);
  const Change changes[] = {
      [](auto& r) { r.sampling.temperature = 0.5; },
      [](auto& r) { r.sampling.top_p = 0.5; },
      [](auto& r) { r.sampling.min_p = 0.5; },
      [](auto& r) { r.sampling.top_k = 5; },
      [](auto& r) { r.sampling.presence_penalty = 0.5; },
      [](auto& r) { r.sampling.frequency_penalty = 0.5; },
      [](auto& r) { r.sampling.repetition_penalty = 1.5; },
      [](auto& r) {
        r.sampling.logit_bias = {{7, 1.0}};
      },
      [](auto& r) {
        r.sampling.allowed_tokens = {70, 71, 72};
      },
      [](auto& r) { r.sampling.bad_words = {{70}}; },
      [](auto& r) { r.seed = 4; },
      [](auto& r) { r.max_tokens = 149; },
      [](auto& r) { r.min_tokens = 1; },
      [](auto& r) { r.stop = {"zzzzzz"}; },
      [](auto& r) { r.stop_tokens = {260}; },
      [](auto& r) { r.ignore_eos = false; },
      [](auto& r) { r.constraint = infer::AnswerConstraint{text::compile_regex("[a-z]{9}", "r")}; },
      [](auto& r) { r.constraint = infer::AnswerConstraint{text::compile_regex("[a-z]{8}", "r")}; }};
  std::set<std::string> seen;
  const auto said = [&](const infer::GenerationRequest& request) {
    Json json = ask({request}, order()).first;
    for (const char* field : {"time", "choices", "signature"}) json.erase(field);
    return json.dump();
  };
  infer::GenerationRequest plain = prompt({5});
  plain.seed = 3;
  seen.insert(said(plain));
  EXPECT_FALSE(seen.insert(said(plain)).second);
  for (const Change change : changes) {
    infer::GenerationRequest request = plain;
    change(request);
    EXPECT_TRUE(seen.insert(said(request)).second) << seen.size();
  }
}

TEST_F(ReceiptWriterTest, SaysWhatOnlyTheAnswerKnows) {
  host_.add(
      parts("adapted", ModelIdentity{.weights = {.sha256 = std::string(64, 'a'), .of = "manifest"},
                                     .adapter = ledger::ContentHash{.sha256 = std::string(64, 'b'), .of = "files"},
                                     .dtype = "bf16",
                                     .kv_cache_dtype = "bf16",
                                     .isa = "avx2"}));
  infer::GenerationRequest request = prompt({5});
  request.constraint = infer::AnswerConstraint{text::compile_regex("[a-z]{9}", "r"), "<a>", "</a>"};
  infer::Piece last;
  last.finish = infer::FinishReason::kStop;
  last.digest = std::make_shared<infer::TokenDigest>();
  const auto receipt_of = [&](const char* model, bool called) {
    ReceiptWriter writer(order(), *host_.get(model), {request}, {});
    writer.add(last, called);
    return writer.issue();
  };
  const Json plain = receipt_of("m", false), called = receipt_of("m", true);
  EXPECT_EQ("stop", plain["choices"][0]["finish_reason"]);
  EXPECT_EQ("tool_calls", called["choices"][0]["finish_reason"]);
  EXPECT_FALSE(plain["model"].contains("adapter"));
  EXPECT_EQ(std::string(64, 'b'), receipt_of("adapted", false)["model"]["adapter"]["sha256"]);
  request.constraint->in_reasoning = true;
  EXPECT_NE(plain["constraint_sha256"], receipt_of("m", false)["constraint_sha256"]) << "where the form begins";
}

TEST_F(ReceiptWriterTest, IsGivenWhenItIsAskedForOrAlways) {
  EXPECT_TRUE(ask({prompt({5})}, order(false)).first.is_null());
  EXPECT_THROW(order_receipt(host_, *host_.get("nobody"), true), RequestFailure);
  EXPECT_EQ(nullptr, order_receipt(host_, *host_.get("nobody"), false).receipts);
  receipts_.always = true;
  EXPECT_FALSE(ask({prompt({5})}, order(false)).first.is_null());
}

TEST_F(ReceiptWriterTest, TheTextBeginsWithTheEcho) {
  ReceiptOrder wanted = order();
  wanted.echo = {"before: "};
  const auto [json, texts] = ask({prompt({5})}, wanted);
  EXPECT_EQ(sha256_hex("before: " + texts[0]), json["choices"][0]["text_sha256"]);
}

}  // namespace
}  // namespace maru::serving
