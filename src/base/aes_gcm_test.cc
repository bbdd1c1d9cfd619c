#include "base/aes_gcm.h"

#include <gtest/gtest.h>

#include "base/hex.h"

namespace maru {
namespace {

// Cases 13, 14 and 16 of McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B.
TEST(AesGcm, IsThatOfThePublishedVectors) {
  const std::string zero(32, '\0'), nonce(12, '\0');
  EXPECT_EQ("530f8afbc74536b9a963b4f1c4cb738b", to_hex(seal_with_nonce(zero, nonce, "", "").substr(12)));
  EXPECT_EQ("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919",
            to_hex(seal_with_nonce(zero, nonce, std::string(16, '\0'), "").substr(12)));
  const auto bytes = [](std::string_view digits) { return *from_hex(digits); };
  const std::string sealed = seal_with_nonce(
      bytes("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"), bytes("cafebabefacedbaddecaf888"),
      bytes(
          "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0d"
          "e657ba637b39"),
      bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2"));
  EXPECT_EQ(
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0a"
      "b"
      "cc9f662"
      "76fc6ece0f4e1768cddf8853bb2d551b",
      to_hex(sealed.substr(12)));
}

TEST(AesGcm, WhatWasChangedIsNotOpened) {
  const std::string key(32, 'k'), sealed = seal(key, "the password", "lab/token");
  EXPECT_EQ("the password", unseal(key, sealed, "lab/token"));
  EXPECT_EQ("", unseal(key, seal(key, "", ""), ""));
  EXPECT_NE(sealed, seal(key, "the password", "lab/token")) << "each time another nonce";
  EXPECT_FALSE(unseal(key, sealed, "other/token"));
  EXPECT_FALSE(unseal(std::string(32, 'l'), sealed, "lab/token"));
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string other = sealed;
    other[i] = static_cast<char>(other[i] ^ 1);
    EXPECT_FALSE(unseal(key, other, "lab/token")) << i;
    EXPECT_FALSE(unseal(key, sealed.substr(0, i), "lab/token")) << i;
  }
}

}  // namespace
}  // namespace maru
