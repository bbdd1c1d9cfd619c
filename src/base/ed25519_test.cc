#include "base/ed25519.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hex.h"

namespace maru {
namespace {

struct Vector {
  const char *seed, *key, *message, *signature;
};

// RFC 8032, §7.1: TEST 1, 2, 3 and SHA(abc).
const Vector kVectors[]{
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe246"
     "55141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb"
     "00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc"
     "027beceea1ec40a"},
    {"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
     "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2"
     "a9ac94fa54ca49f",
     "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad"
     "9bef1177331a704"}};

std::string bytes(const char* hex) { return from_hex(hex).value(); }

TEST(Ed25519, AnswersTheVectorsOfRfc8032) {
  for (const Vector& v : kVectors) {
    const Ed25519Key key = Ed25519Key::from_seed(bytes(v.seed));
    EXPECT_EQ(v.key, to_hex(key.public_key().bytes()));
    EXPECT_EQ(v.signature, to_hex(key.sign(bytes(v.message))));
    EXPECT_TRUE(Ed25519PublicKey(bytes(v.key)).verifies(bytes(v.message), bytes(v.signature)));
  }
}

TEST(Ed25519, FindsEveryChangedBit) {
  const Vector& v = kVectors[2];
  const Ed25519PublicKey key(bytes(v.key));
  const std::string message = bytes(v.message), signature = bytes(v.signature);
  for (size_t bit = 0; bit < 8 * signature.size(); ++bit) {
    std::string changed = signature;
    changed[bit / 8] ^= static_cast<char>(1 << bit % 8);
    EXPECT_FALSE(key.verifies(message, changed)) << bit;
  }
  for (size_t bit = 0; bit < 8 * message.size(); ++bit) {
    std::string changed = message;
    changed[bit / 8] ^= static_cast<char>(1 << bit % 8);
    EXPECT_FALSE(key.verifies(changed, signature)) << bit;
  }
  EXPECT_FALSE(Ed25519PublicKey(bytes(kVectors[1].key)).verifies(message, signature));
  EXPECT_FALSE(key.verifies(message, signature.substr(1)));
  EXPECT_FALSE(key.verifies(message, ""));
}

// RFC 8032, §5.1.7: with S + L in the place of S it would be a second signature of the same message.
TEST(Ed25519, HasNoSecondSpellingOfASignature) {
  const Vector& v = kVectors[1];
  const std::string order = bytes("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  std::string changed = bytes(v.signature);
  int carry = 0;
  for (size_t i = 0; i < 32; ++i) {
    const int sum = static_cast<unsigned char>(changed[32 + i]) + static_cast<unsigned char>(order[i]) + carry;
    changed[32 + i] = static_cast<char>(sum & 255);
    carry = sum >> 8;
  }
  ASSERT_EQ(0, carry);
  EXPECT_FALSE(Ed25519PublicKey(bytes(v.key)).verifies(bytes(v.message), changed));
}

TEST(Ed25519, KeysGoThroughPem) {
  const Ed25519Key key = Ed25519Key::generate();
  const std::string signature = key.sign("말");
  auto back = Ed25519Key::from_pem(key.pem(), "key");
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(signature, back->sign("말"));
  auto seen = Ed25519PublicKey::from_pem(key.public_key().pem(), "key");
  ASSERT_TRUE(seen.ok());
  EXPECT_TRUE(seen->verifies("말", signature));
  EXPECT_NE(key.pem(), Ed25519Key::generate().pem());
  EXPECT_TRUE(key.public_key().pem().starts_with("-----BEGIN PUBLIC KEY-----\n"));
}

TEST(Ed25519, OtherPemIsRefusedByName) {
  const Ed25519Key key = Ed25519Key::generate();
  std::string cut = key.pem();
  cut.resize(cut.size() / 2);
  // A key of X25519, which is for agreeing on secrets, not for signing.
  const std::string other =
      "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VuAyEAhSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=\n-----END PUBLIC "
      "KEY-----\n";
  for (const std::string& text :
       {std::string(), std::string("x"), cut, key.public_key().pem(), std::string(1 << 20, 'a')}) {
    const auto parsed = Ed25519Key::from_pem(text, "a.pem");
    ASSERT_FALSE(parsed.ok());
    EXPECT_THAT(parsed.error().message, testing::StartsWith("a.pem: expected a private key of Ed25519"));
  }
  for (const std::string& text : {std::string(), cut, other, key.pem(), std::string(1 << 20, 'a')})
    EXPECT_FALSE(Ed25519PublicKey::from_pem(text, "a.pem").ok());
}

}  // namespace
}  // namespace maru
