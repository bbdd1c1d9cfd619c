#include "text/tokenizer/tokenizer.h"

#include <gmock/gmock.h>

#include <ctime>
#include <map>
#include <thread>

#include "base/random.h"
#include "base/utf8.h"
#include "text/tokenizer/bpe_long.h"
#include "text/tokenizer/stream_decoder.h"
#include "text/tokenizer/token_encoder.h"
#include "text/tokenizer/train/testing.h"

namespace maru::text {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string random_bytes(Random& random, size_t length) {
  std::string bytes(length, '\0');
  for (char& c : bytes) c = static_cast<char>(random.below(256));
  return bytes;
}

/// Characters that make merges happen.
std::string random_words(Random& random, size_t length) {
  static constexpr std::array<std::string_view, 14> kParts{"a",   "b",  "ab", " ", "가", "나",  "다",
                                                           " 가", "의", "\n", "1", "é",  "the", "<|pad|>"};
  std::string text;
  while (text.size() < length) text += kParts[random.below(kParts.size())];
  return text;
}

// The definition, spelled out: join the lowest rank, leftmost first, one at a time.
std::vector<int32_t> bpe_by_definition(const MergeTable& table, std::vector<int32_t> ids) {
  for (;;) {
    size_t best = ids.size();
    MergeTable::Found lowest;
    for (size_t i = 0; i + 1 < ids.size(); ++i)
      if (const auto found = table.find(ids[i], ids[i + 1]); found.rank < lowest.rank) lowest = found, best = i;
    if (best == ids.size()) return ids;
    ids[best] = lowest.result;
    ids.erase(ids.begin() + static_cast<ptrdiff_t>(best) + 1);
  }
}

std::vector<int32_t> byte_ids_of(const Tokenizer& t, std::string_view piece) {
  std::vector<int32_t> ids;
  for (const char& c : piece) ids.push_back(*t.id_of({&c, 1}));
  return ids;
}

TEST(Tokenizer, RoundTripsAnyBytes) {
  const Tokenizer t = small_tokenizer();
  Random random(1);
  for (size_t length = 0; length < 300; ++length) {
    for (const std::string& text : {random_bytes(random, length), random_words(random, length)}) {
      ASSERT_EQ(t.decode(t.encode(text)), text);
      ASSERT_EQ(t.decode(t.encode(text, {.parse_special = false})), text);
    }
  }
}

TEST(Tokenizer, ShortAndLongPiecesFollowTheDefinition) {
  const Tokenizer t = small_tokenizer();
  std::array<int32_t, 256> byte_ids;
  for (int b = 0; b < 256; ++b) byte_ids[b] = *t.id_of(std::string(1, static_cast<char>(b)));
  const MergeTable table(std::get<BpeSpec>(t.spec().model).merges);
  Random random(2);
  LongBpe longer;
  const auto scratch = t.model().make_scratch();
  for (size_t length : {1, 2, 3, 10, 30, 90, 95, 96, 97, 98, 200, 255, 256, 257, 258, 400, 700})
    for (int round = 0; round < 20; ++round) {
      const std::string piece = round % 2 == 0 ? random_words(random, length) : std::string(length, "ab 가"[round % 4]);
      std::vector<int32_t> got, also;
      t.model().encode_piece(piece, *scratch, got);
      longer.encode(piece, byte_ids, table, also);
      const std::vector<int32_t> expected = bpe_by_definition(table, byte_ids_of(t, piece));
      ASSERT_EQ(got, expected) << piece;
      ASSERT_EQ(also, expected) << piece;
    }
}

TEST(Tokenizer, CacheAndSharingChangeNothing) {
  const Tokenizer t = small_tokenizer();
  Random random(3);
  std::vector<std::string> texts;
  for (int i = 0; i < 200; ++i) texts.push_back(random_words(random, 200));
  std::vector<std::vector<int32_t>> expected, got(texts.size());
  for (const std::string& text : texts) expected.push_back(t.encode(text));
  const auto work = [&](size_t first) {
    TokenEncoder encoder(t, 512);  // so small that pieces push each other out
    for (size_t i = first; i < texts.size(); i += 2) got[i] = encoder.encode(texts[i]);
  };
  std::jthread other([&] { work(1); });
  work(0);
  other.join();
  EXPECT_EQ(got, expected);
}

// All words of a and b up to six letters, every way to spell them a merge, in any order: pairs come up out of order
// and merges undercut the rank being worked on.
TEST(Tokenizer, ManySpellingsOfATokenFollowTheDefinition) {
  Random random(9);
  std::array<int32_t, 256> byte_ids{};
  std::map<std::string, int32_t> id_of;
  for (int length = 1; length <= 6; ++length)
    for (int bits = 0; bits < 1 << length; ++bits) {
      std::string word;
      for (int i = 0; i < length; ++i) word += (bits >> i & 1) != 0 ? 'b' : 'a';
      id_of.emplace(word, static_cast<int32_t>(id_of.size()));
    }
  byte_ids['a'] = id_of["a"], byte_ids['b'] = id_of["b"];
  for (int round = 0; round < 300; ++round) {
    std::vector<Merge> merges;
    for (const auto& [word, id] : id_of)
      for (size_t cut = 1; cut < word.size(); ++cut)
        if (random.below(3) != 0) merges.push_back({id_of[word.substr(0, cut)], id_of[word.substr(cut)], id});
    for (size_t i = merges.size(); i > 1; --i) std::swap(merges[i - 1], merges[random.below(i)]);
    std::string piece(random.below(120) + 2, 'a');
    for (char& c : piece) c = random.below(8) == 0 ? 'b' : 'a';
    std::vector<int32_t> bytes, shorter, longer;
    for (const char c : piece) bytes.push_back(byte_ids[static_cast<uint8_t>(c)]);
    const BpeModel model(byte_ids, merges, nullptr);
    const MergeTable table(merges);
    LongBpe scratch;
    model.encode_piece(piece, scratch, shorter);
    scratch.encode(piece, byte_ids, table, longer);
    const std::vector<int32_t> expected = bpe_by_definition(table, bytes);
    ASSERT_EQ(shorter, expected) << piece;
    ASSERT_EQ(longer, expected) << piece;
  }
}

// xx waits before pq becomes an x on its left: the leftmost of the two pairs still goes first.
TEST(Tokenizer, PairsThatComeUpLateStillGoFromLeftToRight) {
  std::array<int32_t, 256> byte_ids{};
  byte_ids['p'] = 1, byte_ids['q'] = 2, byte_ids['x'] = 3;
  const std::vector<Merge> merges{{1, 2, 3}, {3, 3, 4}};
  const BpeModel model(byte_ids, merges, nullptr);
  LongBpe scratch;
  std::vector<int32_t> shorter, longer;
  model.encode_piece("pqxx", scratch, shorter);
  scratch.encode("pqxx", byte_ids, MergeTable(merges), longer);
  EXPECT_THAT(shorter, ElementsAre(4, 3));
  EXPECT_THAT(longer, ElementsAre(4, 3));
}

// The length is part of the key: zeros behind a piece are not zeros in it.
TEST(Tokenizer, CacheTellsPiecesWithZerosApart) {
  const Tokenizer t = small_tokenizer();
  TokenEncoder encoder(t);
  for (int round = 0; round < 2; ++round)
    for (size_t zeros = 1; zeros < 40; ++zeros) {
      const std::string text(zeros, '\0');
      ASSERT_EQ(encoder.encode(text), std::vector<int32_t>(zeros, *t.id_of(text.substr(0, 1))));
    }
}

TEST(Tokenizer, EncoderAppendsAndDoesNotReadBehindTheText) {
  const Tokenizer t = small_tokenizer();
  TokenEncoder encoder(t);
  std::vector<int32_t> ids{7};
  const std::vector<char> exact{'a', 'b', ' ', 'a'};  // the sanitizer watches its end
  encoder.encode({exact.data(), exact.size()}, {.add_special_tokens = true}, ids);
  EXPECT_EQ(ids[0], 7);
  EXPECT_EQ(ids[1], t.bos());
  EXPECT_EQ(t.decode(std::span(ids).subspan(2)), "ab a");
}

TEST(Tokenizer, SpecialTokensOnlyWhereAskedFor) {
  const Tokenizer t = small_tokenizer();
  const int32_t end = *t.id_of("<|im_end|>");
  EXPECT_THAT(t.encode("<|im_end|>"), ElementsAre(end));
  const std::vector<int32_t> plain = t.encode("<|im_end|>", {.parse_special = false});
  EXPECT_THAT(plain, testing::Not(testing::Contains(end)));
  EXPECT_EQ(t.decode(plain), "<|im_end|>");
  EXPECT_EQ(t.decode(t.encode("a<|im_end|>b"), true), "ab");
  EXPECT_EQ(t.encode("a", {.add_special_tokens = true}).front(), t.bos());
  EXPECT_TRUE(t.is_special(end));
  EXPECT_FALSE(t.is_special(*t.id_of("a")));
  EXPECT_FALSE(t.is_special(-1));
  EXPECT_FALSE(t.is_special(t.vocab_size()));
}

TEST(Tokenizer, AddedTokensMatchLeftmostThenLongest) {
  const AddedTokenMatcher matcher(
      {{.id = 1, .content = "ab"}, {.id = 2, .content = "abcd"}, {.id = 3, .content = "bcde"}});
  const auto match = [&](std::string_view text) { return matcher.find(text, 0); };
  EXPECT_EQ(match("xabcde").id, 2);
  EXPECT_EQ(match("xabce").id, 1);
  EXPECT_EQ(match("xbcde").begin, 1u);
  EXPECT_EQ(match("xbcd").begin, std::string_view::npos);
}

TEST(Tokenizer, RefusesIdsThatAreNoTokens) {
  const Tokenizer t = small_tokenizer();
  for (const int32_t id : {-1, t.vocab_size(), INT32_MAX}) EXPECT_THROW(t.decode(std::vector<int32_t>{id}), Failure);
}

class LongRun : public testing::TestWithParam<std::string> {};

// One character ten megabytes long; with a quadratic step anywhere this takes hours.
TEST_P(LongRun, OfOneCharacterIsQuick) {
  const Tokenizer t = small_tokenizer();
  std::string text;
  const size_t bytes = kSanitized ? 1'000'000 : 10'000'000;
  while (text.size() < bytes) text += GetParam();
  const std::clock_t start = std::clock();  // of this process: other programs do not count
  const std::vector<int32_t> ids = t.encode(text);
  EXPECT_LT(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC, 5.0);
  EXPECT_EQ(t.decode(ids), text);
}
INSTANTIATE_TEST_SUITE_P(Characters, LongRun,
                         testing::Values(" ", "a", "가", "\n", "7", std::string(1, '\0'), "\xFF", "\xEA", "<", "ก"));

TEST(StreamDecoder, GivesWholeCharacters) {
  const Tokenizer t = small_tokenizer();
  StreamDecoder decoder(t);
  std::string all;
  for (const char& byte : std::string_view("가🔥é")) {
    const std::string part = decoder.push(*t.id_of({&byte, 1}));
    EXPECT_TRUE(is_valid_utf8(part));
    all += part;
  }
  EXPECT_EQ(all, "가🔥é");
  EXPECT_EQ(decoder.push(*t.id_of("\xEA")), "");
  EXPECT_EQ(decoder.push(*t.id_of("a")), "\uFFFDa");
  EXPECT_EQ(decoder.push(*t.id_of("\xF0")), "");
  EXPECT_EQ(decoder.push(*t.id_of("<|im_end|>")), "");
  EXPECT_EQ(decoder.flush(), "\uFFFD");
  EXPECT_EQ(decoder.flush(), "");
}

}  // namespace
}  // namespace maru::text
