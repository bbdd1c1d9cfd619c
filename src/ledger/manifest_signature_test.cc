#include "ledger/manifest_signature.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "base/json.h"
#include "ledger/artefact_writer.h"
#include "ledger/verify.h"

namespace maru::ledger {
namespace {

class ManifestSignatureTest : public testing::Test {
 protected:
  void SetUp() override { make("1"); }
  void TearDown() override { fs::remove_all(root_); }
  void make(const std::string& weights) {
    ArtefactWriter writer(model_);
    write_file(writer.directory() / "model.safetensors", weights);
    Manifest manifest;
    manifest.kind = "model";
    manifest.name = "m";
    writer.commit(std::move(manifest));
  }
  SignatureCheck check() const { return check_manifest_signature(model_, {key_.public_key()}); }

  const Ed25519Key key_ = Ed25519Key::from_seed(std::string(32, '\1'));
  const Timestamp time_{.seconds = 1'800'000'000, .offset_seconds = 9 * 3600};
  const fs::path root_ = fs::temp_directory_path() / ("maru_manifest_signature_" + std::to_string(::getpid()));
  const fs::path model_ = root_ / "models/m", file_ = model_ / "manifest.sig";
};

TEST_F(ManifestSignatureTest, SaysWhoAndWhen) {
  EXPECT_EQ(SignatureState::kUnsigned, check().state);
  EXPECT_EQ(file_, sign_manifest(model_, key_, time_));
  EXPECT_EQ(SignatureState::kTrusted, check().state);
  EXPECT_THAT(check().message, testing::EndsWith(" at 2027-01-15T17:00:00+09:00"));
  EXPECT_EQ(SignatureState::kUnknownKey, check_manifest_signature(model_ / "manifest.json", {}).state);
  EXPECT_EQ("m", read_json(file_)["artefact_name"]);
  EXPECT_THROW(check_manifest_signature(root_, {}), Failure);
}

TEST_F(ManifestSignatureTest, IsOfNoFilesAndChangesNoManifest) {
  const std::string before = read_file(model_ / "manifest.json");
  sign_manifest(model_, key_, time_);
  EXPECT_EQ(before, read_file(model_ / "manifest.json"));
  EXPECT_EQ(std::vector<std::string>{"model.safetensors"}, files_of(model_));
  const VerifyReport report = verify(model_);
  EXPECT_TRUE(report.ok() && report.unlisted.empty()) << report.text();
}

TEST_F(ManifestSignatureTest, EveryChangedLetterIsFound) {
  sign_manifest(model_, key_, time_);
  const std::string text = read_file(file_);
  for (size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = changed[i] == 'e' ? 'f' : 'e';
    std::ofstream(file_) << changed;                  // hundreds of times: not each to the disk
    if (text[i] == '\n' || text[i] == ' ') continue;  // white space between values is nobody's
    EXPECT_NE(SignatureState::kTrusted, check().state) << changed;
  }
}

TEST_F(ManifestSignatureTest, IsOfThisManifestAlone) {
  sign_manifest(model_, key_, time_);
  const std::string signature = read_file(file_);
  make("2");
  EXPECT_EQ(SignatureState::kUnsigned, check().state) << "it went with what it was of";
  write_file(file_, signature);
  EXPECT_EQ(SignatureState::kBroken, check().state);
  EXPECT_THAT(check().message, testing::HasSubstr("signed another manifest"));
  write_file(file_, signed_json({{"kind", "maru.receipt"}, {"format", 1}}, key_).dump());
  EXPECT_EQ(SignatureState::kBroken, check().state) << "what else the key signed is no signature of a manifest";
}

TEST_F(ManifestSignatureTest, AChangedManifestIsNotSigned) {
  std::string text = read_file(model_ / "manifest.json");
  text.replace(text.find("\"seed\": 0"), 9, "\"seed\": 1");
  write_file(model_ / "manifest.json", text);
  EXPECT_THROW(sign_manifest(model_, key_, time_), Failure);
  EXPECT_FALSE(fs::exists(file_));
}

TEST_F(ManifestSignatureTest, WhateverLiesThereIsJudgedNotTrusted) {
  for (const std::string& text : {std::string(), std::string("{"), std::string("[]"), std::string("null"),
                                  std::string(1 << 20, ' '), std::string("\0\0", 2), std::string("{\"kind\":1}")}) {
    write_file(file_, text);
    EXPECT_EQ(SignatureState::kBroken, check().state) << text.substr(0, 20);
  }
  fs::remove(file_);
  fs::create_directory(file_);
  EXPECT_EQ(SignatureState::kBroken, check().state);
}

}  // namespace
}  // namespace maru::ledger
