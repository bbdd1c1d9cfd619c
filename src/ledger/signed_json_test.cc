#include "ledger/signed_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/canonical_json.h"
#include "base/hex.h"
#include "base/json.h"

namespace maru::ledger {
namespace {

const Ed25519Key kKey = Ed25519Key::from_seed(std::string(32, '\7'));

Json example() { return {{"kind", "example"}, {"text", "한글"}, {"number", 0.7}, {"list", {1, 2, {{"a", nullptr}}}}}; }

SignatureState state_of(const Json& json) { return check_signature(json, {kKey.public_key()}).state; }

TEST(SignedJson, IsTrustedBrokenOrOfAnUnknownKey) {
  const Json json = signed_json(example(), kKey);
  EXPECT_EQ(SignatureState::kTrusted, state_of(json));
  EXPECT_EQ(key_id_of(kKey.public_key()), json["key_id"]);
  EXPECT_EQ(32u, key_id_of(kKey.public_key()).size());
  const Ed25519Key other = Ed25519Key::generate();
  const SignatureCheck unknown = check_signature(json, {other.public_key()});
  EXPECT_EQ(SignatureState::kUnknownKey, unknown.state);
  EXPECT_THAT(unknown.message, testing::HasSubstr(key_id_of(kKey.public_key())));
  EXPECT_EQ(SignatureState::kUnsigned, state_of(example()));
  EXPECT_EQ(SignatureState::kBroken, state_of(Json::array({json})));
}

TEST(SignedJson, MayBeWrittenInAnotherWay) {
  const Json json = signed_json(example(), kKey);
  Json other = Json::object();
  std::vector<std::string> keys;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  for (auto key = keys.rbegin(); key != keys.rend(); ++key) other[*key] = json[*key];
  other["list"][0] = 1.0;
  EXPECT_EQ(SignatureState::kTrusted, state_of(parse_json(other.dump(7), "test").value()));
}

TEST(SignedJson, EveryChangedLetterIsFound) {
  const std::string text = signed_json(example(), kKey).dump();
  int read = 0;
  for (size_t i = 0; i < text.size(); ++i)
    for (const char c : {'0', 'a', 'F', ' ', '"', '-'}) {
      if (text[i] == c) continue;
      std::string changed = text;
      changed[i] = c;
      Result<Json> json = parse_json(changed, "test", {.unique_keys = true});
      if (!json) continue;
      ++read;
      EXPECT_NE(SignatureState::kTrusted, state_of(*json)) << changed;
    }
  EXPECT_GT(read, 500);
}

TEST(SignedJson, WhatIsMissingOrMoreIsFound) {
  const Json json = signed_json(example(), kKey);
  for (const auto& [name, value] : json.items()) {
    Json less = json;
    less.erase(name);
    EXPECT_EQ(SignatureState::kBroken, state_of(less)) << name;
  }
  Json more = json;
  more["more"] = nullptr;
  EXPECT_EQ(SignatureState::kBroken, state_of(more));
}

// The key inside of the object vouches for nothing: somebody else's fits somebody else's signature.
TEST(SignedJson, AnotherKeyCannotTakeItsPlace) {
  const Ed25519Key forger = Ed25519Key::generate();
  Json forged = signed_json(example(), kKey);
  forged["text"] = "다른 글";
  forged = signed_json(forged, forger);
  EXPECT_EQ(SignatureState::kUnknownKey, state_of(forged));
  forged["key_id"] = key_id_of(kKey.public_key());
  EXPECT_EQ(SignatureState::kBroken, state_of(forged));
}

// The signature fits, and the name is another's.
TEST(SignedJson, AKeyGoesByItsOwnIdAlone) {
  Json lying = example();
  lying["key_id"] = key_id_of(Ed25519Key::generate().public_key());
  lying["public_key"] = to_hex(kKey.public_key().bytes());
  lying["signature"] = to_hex(kKey.sign(canonical_json(lying)));
  EXPECT_EQ(SignatureState::kBroken, state_of(lying));
}

TEST(SignedJson, HasOneSpelling) {
  for (const char* field : {"signature", "public_key", "key_id"}) {
    Json json = signed_json(example(), kKey);
    auto& text = json[field].get_ref<std::string&>();
    for (char& c : text) c = c >= 'a' && c <= 'f' ? static_cast<char>(c - 32) : c;
    EXPECT_EQ(SignatureState::kBroken, state_of(json)) << field;
  }
}

TEST(SignedJson, NumbersThatHaveNoCanonicalFormAreNoSignature) {
  Json json = signed_json(example(), kKey);
  json["number"] = uint64_t{1} << 60;
  EXPECT_EQ(SignatureState::kBroken, state_of(json));
  EXPECT_THROW(signed_json({{"a", uint64_t{1} << 60}}, kKey), Failure);
}

}  // namespace
}  // namespace maru::ledger
