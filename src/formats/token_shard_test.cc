// Token shards and the datasets made of them.
#include "formats/token_shard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>

#include "base/hash.h"
#include "base/json.h"
#include "base/random.h"
#include "formats/token_dataset.h"

namespace maru::formats {
namespace {

using testing::HasSubstr;

struct Sample {
  std::vector<int32_t> tokens;
  std::vector<uint8_t> mask;
  uint64_t source_bytes;
};

std::vector<Sample> make_samples(int count, uint32_t vocab_size) {
  Random random(3);
  std::vector<Sample> samples;
  for (int i = 0; i < count; ++i) {
    Sample s;
    for (uint64_t n = 1 + random.below(40); n > 0; --n) {
      s.tokens.push_back(static_cast<int32_t>(random.below(vocab_size)));
      s.mask.push_back(random.below(2) != 0);
    }
    s.source_bytes = random.below(500);
    samples.push_back(s);
  }
  samples[0].tokens[0] = static_cast<int32_t>(vocab_size) - 1;
  return samples;
}

class TokenShardTest : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(root_); }
  void TearDown() override { fs::remove_all(root_); }
  void write(uint32_t vocab_size, bool with_mask, int count) {
    ShardWriter writer(vocab_size, with_mask);
    for (const Sample& s : make_samples(count, vocab_size))
      writer.add(s.tokens, s.source_bytes, with_mask ? std::span<const uint8_t>(s.mask) : std::span<const uint8_t>());
    writer.write(path_);
    EXPECT_EQ(0, writer.num_tokens());
  }
  const fs::path root_ = fs::temp_directory_path() / ("maru_shard_" + std::to_string(::getpid()));
  const fs::path path_ = root_ / "s.tokens";
};

// Without the fsync of write_file, which would make thousands of damaged copies slow.
void spoil_file(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

void expect_same(const TokenDocument& document, const Sample& sample, bool with_mask) {
  ASSERT_EQ(static_cast<int64_t>(sample.tokens.size()), document.tokens.size());
  std::vector<int32_t> copy(sample.tokens.size());
  document.tokens.copy_to(copy);
  for (size_t i = 0; i < copy.size(); ++i) {
    EXPECT_EQ(sample.tokens[i], document.tokens[static_cast<int64_t>(i)]);
    EXPECT_EQ(sample.tokens[i], copy[i]);
    EXPECT_EQ(!with_mask || sample.mask[i] != 0, document.mask[static_cast<int64_t>(i)]);
  }
  EXPECT_EQ(sample.source_bytes, document.source_bytes);
}

TEST_F(TokenShardTest, RoundTripForBothWidthsWithAndWithoutMask) {
  for (const uint32_t vocab_size : {65536u, 65537u})
    for (const bool with_mask : {false, true}) {
      write(vocab_size, with_mask, 100);
      const ShardReader shard = ShardReader::open(path_).value();
      const auto samples = make_samples(100, vocab_size);
      ASSERT_EQ(100, shard.num_documents());
      EXPECT_EQ(with_mask, shard.has_mask());
      for (int i = 0; i < 100; ++i) expect_same(shard.document(i), samples[static_cast<size_t>(i)], with_mask);
      EXPECT_EQ(shard.num_tokens(), shard.begin_of(100));
    }
}

/// What opening a shard and reading all of its documents says; "": nothing.
std::string damage_of(const fs::path& path) {
  try {
    const ShardReader shard = ShardReader::open(path).value();
    for (int64_t i = 0; i < shard.num_documents(); ++i) shard.document(i);
    return "";
  } catch (const Failure& e) {
    EXPECT_EQ(ErrorCode::kDataLoss, e.code());
    return e.error().message;
  }
}

TEST_F(TokenShardTest, EveryFlippedByteAndEveryLengthIsFound) {
  write(300, true, 20);
  const std::string good = read_file(path_);
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 4);
    spoil_file(path_, bad);
    const std::string damage = damage_of(path_);
    EXPECT_THAT(damage, HasSubstr(path_.string())) << "byte " << i;
    EXPECT_THAT(damage, HasSubstr("offset")) << "byte " << i;
  }
  for (size_t n = 0; n < good.size(); n += 7) {
    spoil_file(path_, good.substr(0, n));
    EXPECT_FALSE(ShardReader::open(path_).ok()) << n << " bytes";
  }
  spoil_file(path_, good + good);
  EXPECT_FALSE(ShardReader::open(path_).ok());
  EXPECT_EQ(ErrorCode::kNotFound, ShardReader::open(root_ / "none").error().code);
}

// Of four documents of 400,000 bytes the third lies in two blocks, the fourth in the second; the mask in the second.
TEST_F(TokenShardTest, OnlyWhatIsReadIsCheckedAndNothingDamagedIsGiven) {
  const std::vector<int32_t> tokens(100'000, 7);
  const std::string block = "offset " + std::to_string((1 << 20) + 64);
  std::string good;
  const auto write_four = [&](bool with_mask) {
    ShardWriter writer(100'000, with_mask);
    for (int i = 0; i < 4; ++i) writer.add(tokens, 9);
    writer.write(path_);
    good = read_file(path_);
  };
  const auto failing = [&](size_t at) {
    std::string bad = good, which;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    spoil_file(path_, bad);
    const ShardReader shard = ShardReader::open(path_).value();
    for (int i = 0; i < 4; ++i) {
      try {
        EXPECT_EQ(7, shard.document(i).tokens[99'999]);
      } catch (const Failure& e) {
        EXPECT_THAT(e.error().message, HasSubstr(at < 1 << 20 ? "offset 64" : block));
        which += std::to_string(i);
      }
    }
    return which;
  };
  write_four(false);
  EXPECT_EQ("0123", failing(70)) << "in the ends of the documents, which all need";
  EXPECT_THROW(ShardReader::open(path_).value().begin_of(1), Failure) << "nor is a place among the tokens";
  EXPECT_EQ("0123", failing(64 + 4 * 16 + 10)) << "the first document shares the block of the ends";
  EXPECT_EQ("23", failing(64 + 4 * 16 + 3 * 400'000));
  write_four(true);
  EXPECT_EQ("0123", failing(64 + 4 * 16 + 4 * 400'000 + 8)) << "in the mask";
  spoil_file(path_, good);
  EXPECT_EQ("", damage_of(path_));
}

/// A shard of three documents in which `value` stands at `offset` under right checksums: what a faulty writer leaves.
std::string written_wrongly(std::string bytes, size_t offset, std::string_view value) {
  bytes.replace(offset, value.size(), value);
  const auto put = [&](size_t at, size_t from, size_t to) {
    const uint64_t hash = hash64(std::string_view(bytes).substr(from, to - from));
    std::memcpy(bytes.data() + at, &hash, 8);
  };
  const size_t checksums = bytes.size() - 16;
  put(checksums, 64, checksums);
  put(checksums + 8, checksums, checksums + 8);
  return bytes;
}

TEST_F(TokenShardTest, ImpossibleDocumentsAndTokensAreNamedUnderRightChecksums) {
  ShardWriter writer(300, false);
  for (int i = 0; i < 3; ++i) writer.add(std::vector<int32_t>{1, 2}, 9);
  writer.write(path_);
  const std::string good = read_file(path_);
  const auto damage = [&](size_t offset, std::string_view value) {
    spoil_file(path_, written_wrongly(good, offset, value));
    return damage_of(path_);
  };
  EXPECT_EQ("", damage(64, good.substr(64, 8)));
  EXPECT_THAT(damage(72, std::string(8, '\0')), HasSubstr("document 1 ends impossibly at offset 72"));
  EXPECT_THAT(damage(72, std::string("\x07\0\0\0\0\0\0\0", 8)), HasSubstr("document 1 ends impossibly at offset 72"));
  EXPECT_THAT(damage(80, std::string(8, '\0')), HasSubstr("the last document ends impossibly at offset 80"));
  EXPECT_THAT(damage(64 + 48 + 4, "\x2C\x01"), HasSubstr("token 300 is not in the vocabulary at offset 116"));
}

TEST_F(TokenShardTest, WriterRefusesWhatAReaderWouldRefuse) {
  ShardWriter writer(10, false);
  EXPECT_THROW(writer.add(std::vector<int32_t>{1, 10}, 1), Failure);
  EXPECT_THROW(writer.add(std::vector<int32_t>{1, -1}, 1), Failure);
  EXPECT_THROW(writer.add({}, 1), Failure);
}

TEST_F(TokenShardTest, ValuesOfDocumentsAreKeptAndChecked) {
  const auto samples = make_samples(20, 300);
  ShardWriter writer(300, true, true);
  for (const Sample& s : samples)
    writer.add(s.tokens, s.source_bytes, s.mask, 0.5 * static_cast<double>(s.source_bytes));
  EXPECT_THROW(writer.add(samples[0].tokens, 1, {}, std::nan("")), Failure);
  writer.write(path_);
  const ShardReader shard = ShardReader::open(path_).value();
  EXPECT_TRUE(shard.has_values());
  for (int i = 0; i < 20; ++i) {
    const Sample& sample = samples[static_cast<size_t>(i)];
    expect_same(shard.document(i), sample, true);
    EXPECT_EQ(0.5 * static_cast<double>(sample.source_bytes), shard.document(i).value);
  }
  const std::string good = read_file(path_);
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 4);
    spoil_file(path_, bad);
    EXPECT_THAT(damage_of(path_), HasSubstr("offset")) << "byte " << i;
  }
  const size_t third = 64 + 2 * 8 * 20 + 2 * 8;
  spoil_file(path_, written_wrongly(good, third, std::string("\0\0\0\0\0\0\xf0\x7f", 8)));
  EXPECT_THAT(damage_of(path_), HasSubstr("the value of document 2 is not finite at offset 400"));
  spoil_file(path_, good);
}

class TokenDatasetTest : public TokenShardTest {
 protected:
  void SetUp() override {
    TokenShardTest::SetUp();
    TokenDatasetWriter writer(root_, 500, false, 200);
    for (const char* split : {"train", "held_out"}) {
      writer.begin_split(split);
      for (const Sample& s : samples_) writer.add(s.tokens, s.source_bytes);
    }
    writer.begin_split("empty");
    writer.finish();
  }
  const std::vector<Sample> samples_ = make_samples(50, 500);
};

TEST_F(TokenDatasetTest, SeveralShardsAreOneSequence) {
  const TokenDataset dataset(root_, "held_out");
  EXPECT_GT(dataset.shards().size(), 2u);
  ASSERT_EQ(50, dataset.num_documents());
  int64_t position = 0;
  for (int64_t i = 0; i < 50; ++i) {
    const Sample& sample = samples_[static_cast<size_t>(i)];
    expect_same(dataset.document(i), sample, false);
    EXPECT_EQ(position, dataset.begin_of(i));
    position += static_cast<int64_t>(sample.tokens.size());
  }
  EXPECT_EQ(position, dataset.num_tokens());
  EXPECT_EQ(position, dataset.begin_of(50));
  EXPECT_EQ(0, TokenDataset(root_, "empty").num_tokens());
}

TEST_F(TokenDatasetTest, ValuesAreThereWhereTheIndexSaysSo) {
  EXPECT_FALSE(TokenDataset(root_, "train").has_values());
  EXPECT_FALSE(read_json(root_ / "index.json").contains("values")) << "indexes without values are what they were";
  const fs::path other = root_ / "valued";
  fs::create_directories(other);
  TokenDatasetWriter writer(other, 500, false, 200, true);
  writer.begin_split("train");
  for (const Sample& s : samples_) writer.add(s.tokens, s.source_bytes, {}, -2.5);
  writer.finish();
  const TokenDataset dataset(other, "train");
  EXPECT_TRUE(dataset.has_values());
  EXPECT_EQ(-2.5, dataset.document(49).value);
  Json index = read_json(other / "index.json");
  index.erase("values");
  write_json(other / "index.json", index);
  EXPECT_THROW(TokenDataset(other, "train"), Failure) << "shards have what the index does not know of";
}

TEST_F(TokenDatasetTest, ErrorsNameTheSplitAndTheShard) {
  try {
    const TokenDataset dataset(root_, "test");
    FAIL();
  } catch (const Failure& e) {
    EXPECT_EQ(ErrorCode::kNotFound, e.code());
    EXPECT_THAT(e.error().message, HasSubstr("train, held_out"));
  }
  std::string bad = read_file(root_ / "train-00001.tokens");
  bad[200] = static_cast<char>(bad[200] ^ 1);
  spoil_file(root_ / "train-00001.tokens", bad);
  const TokenDataset damaged(root_, "train");
  EXPECT_EQ(samples_[0].source_bytes, damaged.document(0).source_bytes) << "of another shard";
  EXPECT_THROW(damaged.document(damaged.shards()[0].num_documents()), Failure);
  fs::copy_file(root_ / "train-00001.tokens", root_ / "train-00000.tokens", fs::copy_options::overwrite_existing);
  try {
    const TokenDataset dataset(root_, "train");
    FAIL();
  } catch (const Failure& e) {
    EXPECT_EQ(ErrorCode::kDataLoss, e.code());
    EXPECT_THAT(e.error().message, HasSubstr("train-00000.tokens"));
  }
}

}  // namespace
}  // namespace maru::formats