#include "ledger/receipt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/json.h"

namespace maru::ledger {
namespace {

const Ed25519Key kKey = Ed25519Key::from_seed(std::string(32, '\7'));

Receipt example() {
  Receipt receipt;
  receipt.id = "chatcmpl-1";
  receipt.route = "/v1/chat/completions";
  receipt.time = "2027-01-31T09:00:00+09:00";
  receipt.model = {.name = "한국어",
                   .weights = {.sha256 = std::string(64, 'a'), .of = "manifest"},
                   .adapter = ContentHash{.sha256 = std::string(64, 'b'), .of = "files"}};
  receipt.engine = {.version = "0.1.0+123",
                    .isa = "avx2",
                    .dtype = "bf16",
                    .kv_cache_dtype = "int8",
                    .tool_parser = "hermes",
                    .reasoning_parser = "none"};
  receipt.sampling.temperature = 0.7;
  receipt.sampling.stop_sha256 = sha256_of_json({"\n"});
  receipt.constraint_sha256 = std::string(64, 'c');
  receipt.tools_sha256 = std::string(64, 'e');
  receipt.prompts = {{.sha256 = std::string(64, 'd'), .seed = "18446744073709551615", .num_tokens = 12}};
  receipt.choices = {{.tokens_sha256 = std::string(64, '1'),
                      .text_sha256 = std::string(64, '2'),
                      .finish_reason = "stop",
                      .num_tokens = 64,
                      .marks = {std::string(16, '1')}}};
  return receipt;
}

/// All places in a document that hold neither object nor list.
void collect_leaves(Json& json, std::vector<Json*>& to) {
  if (!json.is_structured()) return to.push_back(&json);
  for (Json& one : json) collect_leaves(one, to);
}

TEST(Receipt, EverySingleFieldIsSigned) {
  const Json json = signed_json(to_json(example()), kKey);
  Json copy = json;
  std::vector<Json*> leaves;
  collect_leaves(copy, leaves);
  ASSERT_GE(leaves.size(), 38u);
  for (Json* leaf : leaves) {
    const Json before = *leaf;
    if (leaf->is_string()) {
      std::string text = leaf->get<std::string>();
      text.back() = text.back() == '0' ? '1' : '0';
      *leaf = text;
    } else if (leaf->is_boolean()) {
      *leaf = !leaf->get<bool>();
    } else {
      *leaf = leaf->get<double>() + 1;
    }
    EXPECT_EQ(SignatureState::kBroken, check_signature(copy, {kKey.public_key()}).state) << copy.dump();
    *leaf = before;
  }
  EXPECT_EQ(SignatureState::kTrusted, check_signature(copy, {kKey.public_key()}).state);
}

TEST(Receipt, GoesThereAndBack) {
  const Json json = signed_json(to_json(example()), kKey);
  EXPECT_EQ(json, to_json(parse_receipt(json, "r")));
  Json other = json;
  other["sampling"]["temperatur"] = 1;
  EXPECT_THROW(parse_receipt(other, "r"), Failure);
  other = json;
  other["format"] = 2;
  EXPECT_THROW(parse_receipt(other, "r"), Failure) << "a later format is not read as this one";
}

TEST(Receipt, IsFoundAloneAndInItsAnswer) {
  const Json receipt = to_json(example());
  EXPECT_EQ(receipt, find_receipt(receipt, "r").json);
  EXPECT_TRUE(find_receipt(receipt, "r").answer.is_null());
  const Json answer{{"id", "x"}, {"receipt", receipt}};
  EXPECT_EQ(receipt, find_receipt(answer, "r").json);
  EXPECT_EQ(answer, find_receipt(answer, "r").answer);
  for (const Json& other :
       {Json(), Json(1), Json::array({receipt}), Json{{"receipt", nullptr}}, Json{{"receipt", answer}}})
    EXPECT_THROW(find_receipt(other, "r"), Failure);
}

TEST(Receipt, AFileWithAKeyTwiceIsRefused) {
  const fs::path file = fs::temp_directory_path() / ("maru_receipt_" + std::to_string(::getpid()));
  std::string text = signed_json(to_json(example()), kKey).dump();
  write_file(file, text);
  EXPECT_EQ(parse_json(text, "r").value(), read_receipt(file).json);
  write_file(file, "{\"id\":\"other\"," + text.substr(1));
  EXPECT_THROW(read_receipt(file), Failure) << "two readers could disagree about what was signed";
  fs::remove(file);
}

}  // namespace
}  // namespace maru::ledger
