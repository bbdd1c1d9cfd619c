#include "text/tokenizer/train/bpe_trainer.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <map>

#include "base/cancel.h"
#include "base/random.h"
#include "text/tokenizer/files/tokenizer_json.h"
#include "text/tokenizer/scanner.h"
#include "text/tokenizer/train/document_stream.h"
#include "text/tokenizer/train/testing.h"

namespace maru::text {
namespace {

using testing::HasSubstr;

struct Folder {
  fs::path path = fs::temp_directory_path() / ("maru_trainer_" + std::to_string(::getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  fs::path write(const std::string& name, std::string_view bytes) const {
    write_file(path / name, bytes);
    return path / name;
  }
};

std::vector<PretokenCount> random_counts(uint64_t seed, int words) {
  Random random(seed);
  std::map<std::string, int64_t> counts;
  for (int i = 0; i < words; ++i) {
    std::string word;
    for (uint64_t n = random.below(9) + 1; n > 0; --n) word += "abcde"[random.below(5) * random.below(5) / 4];
    counts[word] += static_cast<int64_t>(random.below(20)) + 1;
  }
  std::vector<PretokenCount> list;
  for (const auto& [bytes, count] : counts) list.push_back({bytes, count});
  return list;
}

// The definition: count all adjacent pairs afresh, merge the most frequent one (lowest ids of equals), everywhere.
std::vector<std::string> merges_by_definition(const std::vector<PretokenCount>& counts, size_t wanted) {
  MergeLearner bytes({}, {.vocab_size = 256});
  std::vector<std::string> tokens = bytes.tokens();
  const auto id_of = [&](const std::string& t) { return std::find(tokens.begin(), tokens.end(), t) - tokens.begin(); };
  std::vector<std::vector<int64_t>> words;
  for (const PretokenCount& c : counts) {
    words.emplace_back();
    for (const char byte : c.bytes) words.back().push_back(id_of(std::string(1, byte)));
  }
  while (tokens.size() < 256 + wanted) {
    std::map<std::pair<int64_t, int64_t>, int64_t> pairs;
    for (size_t w = 0; w < words.size(); ++w)
      for (size_t i = 0; i + 1 < words[w].size(); ++i) pairs[{words[w][i], words[w][i + 1]}] += counts[w].count;
    const auto better = [](const auto& a, const auto& b) { return a.second < b.second; };
    const auto best = std::max_element(pairs.begin(), pairs.end(), better);  // first of equals: lowest ids
    if (best == pairs.end() || best->second < 2) break;
    const auto [left, right] = best->first;
    for (std::vector<int64_t>& word : words)
      for (size_t i = 0; i + 1 < word.size(); ++i)
        if (word[i] == left && word[i + 1] == right) {
          word[i] = static_cast<int64_t>(tokens.size());
          word.erase(word.begin() + static_cast<ptrdiff_t>(i) + 1);
        }
    tokens.push_back(tokens[left] + tokens[right]);
  }
  return {tokens.begin() + 256, tokens.end()};
}

TEST(MergeLearner, ChoosesWhatTheDefinitionChooses) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const std::vector<PretokenCount> counts = random_counts(seed, 60);
    const size_t wanted = 25;  // before two merges spell the same token
    MergeLearner learner(counts, {.vocab_size = 256 + static_cast<int32_t>(wanted)});
    while (learner.step()) continue;
    const std::vector<std::string> got(learner.tokens().begin() + 256, learner.tokens().end());
    ASSERT_EQ(got, merges_by_definition(counts, wanted)) << seed;
  }
}

TEST(MergeLearner, KeepsItsLimits) {
  const std::vector<PretokenCount> counts{{"abababab", 10}, {"xy", 1}, {"<s>", 99}};
  MergeLearner learner(counts, {.vocab_size = 1000, .max_token_bytes = 3, .reserved = {"<s>"}});
  while (learner.step()) continue;
  for (const std::string& token : learner.tokens()) EXPECT_LE(token.size(), 3u);
  EXPECT_THAT(learner.tokens(), testing::Contains("ab"));
  EXPECT_THAT(learner.tokens(), testing::Not(testing::Contains("xy")));  // rarer than min_frequency
  EXPECT_THAT(learner.tokens(), testing::Not(testing::Contains("<s>")));
}

std::string sample_text(uint64_t seed) {
  static constexpr std::array<std::string_view, 9> kWords{"마루는", "집의", "가운데", "the", "open",
                                                          "floor",  "12",   ".",      "\n"};
  Random random(seed);
  std::string text;
  for (int i = 0; i < 3000; ++i) text += std::string(kWords[random.below(9)]) + " ";
  return text;
}

TEST(BpeTrainer, DoesNotDependOnThreadsNorOnPruningOrder) {
  const Folder folder;
  std::string lines;
  for (uint64_t i = 0; i < 40; ++i)
    lines += "{\"text\": \"" + std::to_string(i) + " 마루 집 floor" + std::to_string(i % 7) + "\"}\n";
  const std::vector<fs::path> files{folder.write("a.txt", sample_text(1)), folder.write("b.jsonl", lines)};
  ThreadPool one(1), three(3);
  const BpeTrainerConfig config{.vocab_size = 350};
  const TrainedTokenizer a = train_tokenizer(files, config, one), b = train_tokenizer(files, config, three);
  EXPECT_EQ(write_tokenizer_json(a.tokenizer.spec()), write_tokenizer_json(b.tokenizer.spec()));
  EXPECT_EQ(to_json(a.report), to_json(b.report));
  EXPECT_EQ(a.report.documents, 41);
  EXPECT_GT(a.report.merges, 20);
}

std::vector<PretokenCount> counted(int threads, uint64_t limit, PretokenReport& report) {
  const PreTokenizer pre_tokenizer = PreTokenizer::create({maru_pattern()}, "p").value();
  ThreadPool pool(threads);
  PretokenCounter counter(pre_tokenizer, {.memory_limit_bytes = limit, .max_pretoken_bytes = 16}, pool);
  for (int block = 0; block < 5; ++block)
    counter.add_block(50, [&](int64_t i) {
      return "자주 " + std::string(static_cast<size_t>(i), 'x') + " w" + std::to_string(block * 1000 + i) + "가";
    });
  report = counter.report();
  return counter.take();
}

TEST(PretokenCounter, BoundsItsMemoryTheSameWayOnAnyThreads) {
  PretokenReport unlimited, a, b;
  const size_t all = counted(1, 1 << 30, unlimited).size();
  const auto one = counted(1, 3000, a), three = counted(3, 3000, b);
  EXPECT_EQ(unlimited.prunings, 0);
  EXPECT_GT(a.prunings, 0);
  EXPECT_GT(a.pruned_distinct, 0);
  EXPECT_LT(one.size(), all);
  EXPECT_EQ(a.pruned_count, b.pruned_count);
  ASSERT_EQ(one.size(), three.size());
  for (size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(one[i].bytes, three[i].bytes);
    EXPECT_EQ(one[i].count, three[i].count);
  }
  const auto frequent = std::find_if(one.begin(), one.end(), [](const auto& c) { return c.bytes == "자주"; });
  ASSERT_NE(frequent, one.end());
  EXPECT_EQ(frequent->count, 250);  // never forgotten
}

TEST(PretokenCounter, ForgetsTheRarestUntilHalfFull) {
  const PreTokenizer whole;
  ThreadPool pool(2);
  PretokenCounter counter(whole, {.memory_limit_bytes = 1000}, pool);  // ten words of 3 bytes take 350
  counter.add_block(60, [](int64_t i) {
    return "w" + std::to_string(i < 10 ? i + 10 : i < 30 ? i % 10 + 30 : i % 10 + 50);
  });
  const auto counts = counter.take();
  ASSERT_EQ(counts.size(), 10u);
  for (const PretokenCount& c : counts) EXPECT_EQ(c.count, 3);
  EXPECT_EQ(counter.report().pruned_distinct, 20);
  EXPECT_EQ(counter.report().pruned_count, 30);
}

TEST(PretokenCounter, CutsLongWordsBetweenCharacters) {
  const PreTokenizer whole;
  ThreadPool pool(1);
  PretokenCounter counter(whole, {.max_pretoken_bytes = 16}, pool);
  counter.add_block(1, [](int64_t) { return std::string("가나다라마바사아"); });  // 24 bytes
  EXPECT_EQ(counter.report().long_pretokens, 1);
  const auto counts = counter.take();
  ASSERT_EQ(counts.size(), 2u);
  EXPECT_EQ(counts[0].bytes, "가나다라마");
  EXPECT_EQ(counts[1].bytes, "바사아");
}

TEST(DocumentStream, PlainTextComesBackWhole) {
  const Folder folder;
  std::string text;
  for (int i = 0; text.size() < (3 << 20); ++i) text += "줄 " + std::to_string(i) + (i % 50 == 0 ? "\r\n\n" : "\n");
  const std::string endless(3 << 20, 'x');
  for (const std::string& content : {text, endless, std::string("끝"), std::string()}) {
    DocumentStream stream({folder.write("a.txt", content)});
    std::string joined;
    for (auto block = stream.next_block(100); !block.empty(); block = stream.next_block(100))
      for (const RawDocument& document : block) joined += stream.text_of(document, "text");
    ASSERT_EQ(joined, content);
  }
}

std::string failure_of(const std::vector<fs::path>& files, const BpeTrainerConfig& config, const Watch& watch = {}) {
  ThreadPool pool(2);
  try {
    train_tokenizer(files, config, pool, watch);
  } catch (const Failure& failure) {
    return failure.what();
  }
  return "no failure";
}

TEST(BpeTrainer, NamesWhatIsWrong) {
  const Folder folder;
  const fs::path good = folder.write("a.txt", "가나다 가나다"), empty = folder.write("empty.txt", "");
  const fs::path bad = folder.write("bad.jsonl", "{\"text\": \"가\"}\n\n{\"txt\": 1}\n");
  EXPECT_THAT(failure_of({folder.path / "none.txt"}, {}), HasSubstr("none.txt"));
  EXPECT_THAT(failure_of({empty}, {}), HasSubstr("nothing to train a tokenizer on: 1 files"));
  EXPECT_THAT(failure_of({bad}, {}), HasSubstr("bad.jsonl:3: text: is missing, expected a string"));
  EXPECT_THAT(failure_of({good}, {.vocab_size = 260}), HasSubstr("vocab_size: expected at least 272"));
  EXPECT_THAT(failure_of({good}, {.pattern = "("}), HasSubstr("pattern: not a valid regular expression"));
  EXPECT_THAT(failure_of({good}, {.special_tokens = {"<s>", "<s>"}}), HasSubstr("special_tokens: expected distinct"));
  CancelToken cancel("stopped by the test");
  cancel.cancel();
  EXPECT_EQ("stopped by the test", failure_of({good}, {}, {.cancel = &cancel}));
}

TEST(BpeTrainer, SpecialTokensComeFirstThenBytes) {
  const Tokenizer t = small_tokenizer();
  EXPECT_EQ(t.id_of("<|begin_of_text|>"), 0);
  EXPECT_EQ(t.id_of("<|reserved_10|>"), 15);
  EXPECT_EQ(t.id_of("!"), 16);
  EXPECT_EQ(t.vocab_size() - 272, static_cast<int32_t>(std::get<BpeSpec>(t.spec().model).merges.size()));
}

}  // namespace
}  // namespace maru::text
