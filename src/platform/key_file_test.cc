#include "platform/key_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"

namespace maru::platform {
namespace {

using testing::HasSubstr;

const std::string kHash = sha256_hex("one"), kOther = sha256_hex("two");

class KeyFileTest : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(root_); }
  void TearDown() override { fs::remove_all(root_); }
  template <class F>
  static std::string error_of(F run) {
    try {
      run();
    } catch (const Failure& failure) {
      return failure.what();
    }
    return "";
  }
  static mode_t mode_of(const fs::path& path) {
    struct stat info {};
    EXPECT_EQ(0, ::stat(path.c_str(), &info));
    return info.st_mode & 0777;
  }
  const fs::path root_ = fs::temp_directory_path() / ("maru_keys_" + std::to_string(::getpid()));
  const fs::path file_ = root_ / "keys.json";
};

TEST_F(KeyFileTest, MakesListsAndRevokes) {
  const std::string key = create_key(file_, {.name = "ci", .tenant = "lab", .weight = 2, .requests_per_minute = 60});
  EXPECT_EQ(5u + 64u, key.size());
  EXPECT_EQ(0600u, mode_of(file_));
  EXPECT_EQ(std::string::npos, read_file(file_).find(key.substr(13))) << "the file must not hold the key";
  const KeyRecord record = read_key_file(file_).keys.at(0);
  EXPECT_EQ(sha256_hex(key), record.hash);
  EXPECT_EQ(key.substr(0, 13), record.prefix);
  EXPECT_EQ("lab", record.tenant);
  EXPECT_EQ((std::vector<std::string>{"inference", "read"}), record.scopes);
  EXPECT_EQ(60, record.requests_per_minute);
  EXPECT_NE(key, create_key(file_, {.name = "second"}));
  revoke_key(file_, "ci");
  const KeyList list = read_key_file(file_);
  EXPECT_TRUE(list.keys.at(0).disabled);
  EXPECT_FALSE(list.keys.at(1).disabled);
  EXPECT_EQ(1u, list_files(root_).size()) << "no temporary, no lock stays";
}

TEST_F(KeyFileTest, WhatAKilledProcessLeftIsRemoved) {
  const fs::path left = file_.string() + ".tmp-999999999", other = root_ / "other.json.tmp-999999999";
  write_file(left, "{");
  write_file(other, "{");
  create_key(file_, {.name = "ci"});
  EXPECT_FALSE(fs::exists(left));
  EXPECT_TRUE(fs::exists(other)) << "another file's";
}

TEST_F(KeyFileTest, NamesAreGivenOnce) {
  create_key(file_, {.name = "ci"});
  revoke_key(file_, "ci");
  EXPECT_THAT(error_of([&] { create_key(file_, {.name = "ci"}); }), HasSubstr("has a key called ci already"));
  EXPECT_THAT(error_of([&] { revoke_key(file_, "none"); }), HasSubstr("has no key called none"));
  EXPECT_THAT(error_of([&] { revoke_key(root_ / "no.json", "ci"); }), HasSubstr("no.json"));
  EXPECT_FALSE(fs::exists(root_ / "no.json"));
  for (const char* name : {"", "a b", "a/b", "ключ", "a\nb", "\"", "key:1"})
    EXPECT_THAT(error_of([&] { create_key(file_, {.name = name}); }), HasSubstr("name")) << name;
  EXPECT_THAT(error_of([&] { create_key(file_, {.name = "x", .expires = "soon"}); }), HasSubstr("expires"));
}

TEST_F(KeyFileTest, SeveralAtOnceLoseNone) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      for (int j = 0; j < 5; ++j) {
        const std::string name = "k" + std::to_string(i) + "-" + std::to_string(j);
        while (error_of([&] { create_key(file_, {.name = name}); }).find("in use") != std::string::npos) continue;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(20u, read_key_file(file_).keys.size());
}

TEST_F(KeyFileTest, ReadsYamlAndLeavesItToPeople) {
  const fs::path yaml = root_ / "keys.yaml";
  write_file(yaml, "keys:\n  - name: ci  # nightly\n    hash: " + kHash + "\n    scopes: ['*']\n");
  ::chmod(yaml.c_str(), 0600);
  EXPECT_EQ("*", read_key_file(yaml).keys.at(0).scopes.at(0));
  EXPECT_THAT(error_of([&] { create_key(yaml, {.name = "b"}); }), HasSubstr("kept by hand"));
  EXPECT_THAT(error_of([&] { revoke_key(yaml, "ci"); }), HasSubstr("kept by hand"));
}

TEST_F(KeyFileTest, NobodyElseMayReadIt) {
  create_key(file_, {.name = "ci"});
  for (const mode_t mode : {0640u, 0604u, 0620u, 0602u, 0610u, 0660u, 0644u}) {
    ::chmod(file_.c_str(), mode);
    EXPECT_THAT(error_of([&] { read_key_file(file_); }), HasSubstr("chmod 600")) << std::oct << mode;
    EXPECT_THAT(error_of([&] { create_key(file_, {.name = "x"}); }), HasSubstr("chmod 600"));
  }
  ::chmod(file_.c_str(), 0400);
  EXPECT_EQ(1u, read_key_file(file_).keys.size());
  EXPECT_NE("", error_of([&] { read_key_file(root_); })) << "a folder";
  ASSERT_EQ(0, ::mkfifo((root_ / "pipe").c_str(), 0600));
  EXPECT_THAT(error_of([&] { read_key_file(root_ / "pipe"); }), HasSubstr("regular file"));
}

TEST_F(KeyFileTest, SaysWhichRecordIsWrong) {
  const auto error = [&](const std::string& keys) {
    return error_of([&] { parse_keys("{\"keys\": [" + keys + "]}", "keys.json"); });
  };
  const auto record = [](const std::string& name, const std::string& hash, const std::string& more = "") {
    return R"({"name": ")" + name + R"(", "hash": ")" + hash + "\"" + more + "}";
  };
  EXPECT_EQ("", error(record("a", kHash) + "," + record("b", kOther)));
  EXPECT_THAT(error(record("a", kHash) + "," + record("a", kOther)),
              HasSubstr("keys[1].name: there is another key called a"));
  EXPECT_THAT(error(record("a", kHash) + "," + record("b", kHash)), HasSubstr("keys[1] (b).hash: another record"));
  EXPECT_THAT(error(record("a", "")), HasSubstr("hash"));
  EXPECT_THAT(error(record("a", "secret-key-in-the-clear")), HasSubstr("SHA-256"));
  EXPECT_THAT(error(record("a", std::string(64, 'A'))), HasSubstr("lower case"));
  EXPECT_THAT(error(record("a", kHash, R"(, "scope": "read")")), HasSubstr("scopes"));
  EXPECT_THAT(error(record("a", kHash, R"(, "scopes": ["inferense"])")),
              HasSubstr("inference read write admin manage *"));
  EXPECT_THAT(error(record("a", kHash, R"(, "weight": 0)")), HasSubstr("weight"));
  EXPECT_THAT(error(record("a", kHash, R"(, "weight": -1)")), HasSubstr("weight"));
  EXPECT_THAT(error(record("a", kHash, R"(, "tokens_per_minute": -5)")), HasSubstr("tokens_per_minute"));
  EXPECT_THAT(error(record("a", kHash, R"(, "tenant": "key 1")")), HasSubstr("tenant"));
  EXPECT_THAT(error(record("a", kHash, R"(, "expires": "2027-02-30")")), HasSubstr("expires"));
  EXPECT_THAT(error_of([&] { parse_keys("{\"keys\": [", "keys.json"); }), HasSubstr("keys.json"));
}

}  // namespace
}  // namespace maru::platform
