// Files that are not tokenizer.json, against the reference encodings that come with them.
#include "text/tokenizer/files/vocabulary_files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <sstream>

#include "base/base64.h"
#include "base/json.h"
#include "base/random.h"
#include "base/utf8.h"
#include "text/tokenizer/files/gguf_vocabulary.h"
#include "text/tokenizer/files/load_tokenizer.h"
#include "text/tokenizer/files/sentencepiece.h"
#include "text/tokenizer/files/split_patterns.h"
#include "text/tokenizer/files/tokenizer_json.h"
#include "text/tokenizer/files/turn_ends.h"
#include "text/tokenizer/stream_decoder.h"

namespace maru::text {
namespace {

const fs::path kGoldens = "tests/golden/tokenizers";
const fs::path kFixtures = "../shared/data/fixtures/tokenizers";  // at full scale

/// The texts of a `.inp` file and the ids of its `.out` file.
std::vector<std::pair<std::string, std::vector<int32_t>>> references(const std::string& name) {
  const std::string inputs = read_file(kFixtures / "gguf_vocabs" / (name + ".inp")),
                    separator = "\n__ggml_vocab_test__\n";
  std::istringstream outputs(read_file(kFixtures / "gguf_vocabs" / (name + ".out")));
  std::vector<std::pair<std::string, std::vector<int32_t>>> all;
  for (size_t at = 0; at < inputs.size();) {
    const size_t end = std::min(inputs.find(separator, at), inputs.size());
    std::string line;
    std::getline(outputs, line);
    std::istringstream numbers(line);
    std::vector<int32_t> ids;
    for (int32_t id; numbers >> id;) ids.push_back(id);
    all.emplace_back(inputs.substr(at, end - at), std::move(ids));
    at = end + separator.size();
  }
  return all;
}

void expect_references(const Tokenizer& tokenizer, const std::string& name) {
  const auto all = references(name);
  ASSERT_GT(all.size(), 40u);
  for (const auto& [text, ids] : all) EXPECT_EQ(tokenizer.encode(text, {.parse_special = false}), ids) << text;
}

/// Reads just what a vocabulary needs of a GGUF file; the files are ours, so nothing is checked.
class MetadataReader {
 public:
  explicit MetadataReader(const fs::path& path) : bytes_(read_file(path)), at_(16) {}  // magic, version, tensors
  GgufVocabulary read() {
    GgufVocabulary v;
    for (uint64_t left = number<uint64_t>(); left > 0; --left) read_key(v);
    return v;
  }

 private:
  template <class T>
  T number() {
    T value;
    std::memcpy(&value, bytes_.data() + at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  std::string string() {
    const uint64_t size = number<uint64_t>();
    at_ += size;
    return bytes_.substr(at_ - size, size);
  }
  template <class T, class F>
  std::vector<T> list(const F& element) {
    number<uint32_t>();
    std::vector<T> all(number<uint64_t>());
    for (T& value : all) value = element();
    return all;
  }
  void skip(uint32_t type) {
    constexpr size_t kSizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    if (type == 8) string();
    if (type == 9) {
      const uint32_t inner = number<uint32_t>();
      for (uint64_t left = number<uint64_t>(); left > 0; --left) skip(inner);
    }
    at_ += kSizes[type];
  }
  void read_key(GgufVocabulary& v) {
    const std::string key = string();
    const uint32_t type = number<uint32_t>();
    const auto id = [&] { return static_cast<int32_t>(number<uint32_t>()); };
    const std::string prefix = "tokenizer.ggml.";
    if (!key.starts_with(prefix)) return skip(type);
    const std::string name = key.substr(prefix.size());
    if (name == "model") return void(v.model = string());
    if (name == "pre") return void(v.pre = string());
    if (name == "tokens") return void(v.tokens = list<std::string>([&] { return string(); }));
    if (name == "merges") return void(v.merges = list<std::string>([&] { return string(); }));
    if (name == "scores") return void(v.scores = list<float>([&] { return number<float>(); }));
    if (name == "token_type") return void(v.token_types = list<int32_t>([&] { return number<int32_t>(); }));
    if (name == "bos_token_id") return void(v.bos = id());
    if (name == "eos_token_id") return void(v.eos = id());
    if (name == "unknown_token_id") return void(v.unk = id());
    if (name == "seperator_token_id") return void(v.sep = id());
    if (name == "padding_token_id") return void(v.pad = id());
    if (name == "cls_token_id") return void(v.cls = id());
    if (name == "mask_token_id") return void(v.mask = id());
    skip(type);
  }
  std::string bytes_;
  size_t at_;
};

/// Small tokenizers of each kind, and the ids that their own libraries give
/// (tests/reference/make_tokenizer_goldens.py).
class GoldenTokenizer : public testing::TestWithParam<std::string> {};
TEST_P(GoldenTokenizer, GivesTheReferenceIds) {
  const Tokenizer tokenizer = load_tokenizer(kGoldens / GetParam());
  const Json ids = read_json(kGoldens / "ids.json").at(GetParam());
  std::istringstream lines(read_file("assets/scripts.txt"));
  size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count)
    ASSERT_EQ(tokenizer.encode(line), ids.at(count).get<std::vector<int32_t>>()) << line;
  EXPECT_EQ(count, ids.size());
}
INSTANTIATE_TEST_SUITE_P(Files, GoldenTokenizer,
                         testing::Values("gpt2", "qwen2", "bert", "unigram.model", "bpe.model"));

/// At full scale: the vocabularies of models, with the ids that come with them.
std::vector<std::string> gguf_fixtures() {
  if (!fs::exists(kFixtures / "gguf_vocabs")) return {};
  return {"ggml-vocab-gpt-2", "ggml-vocab-mpt", "ggml-vocab-bert-bge"};
}

class GgufFixture : public testing::TestWithParam<std::string> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(GgufFixture);
TEST_P(GgufFixture, GivesTheReferenceIds) {
  const fs::path file = kFixtures / "gguf_vocabs" / (GetParam() + ".gguf");
  const GgufVocabulary vocabulary = MetadataReader(file).read();
  const Tokenizer tokenizer = gguf_tokenizer(vocabulary, file.string()).value();
  EXPECT_EQ(tokenizer.vocab_size(), static_cast<int32_t>(vocabulary.tokens.size()));
  expect_references(tokenizer, GetParam() + ".gguf");
  const Tokenizer again = parse_tokenizer(write_tokenizer_json(tokenizer.spec()), "again").value();
  for (const auto& [text, ids] : references(GetParam() + ".gguf"))
    EXPECT_EQ(again.encode(text, {.parse_special = false}), ids) << text;
}
INSTANTIATE_TEST_SUITE_P(FullScale, GgufFixture, testing::ValuesIn(gguf_fixtures()));

TEST(VocabularyFiles, Qwen2DirectoryHasItsTokens) {
  const Tokenizer small = load_tokenizer(kGoldens / "qwen2");
  EXPECT_TRUE(small.spec().byte_level);
  EXPECT_EQ(small.spelling_of(small.eos().value()), "<|im_end|>");
  EXPECT_EQ(small.spelling_of(small.pad().value()), "<|endoftext|>");
  EXPECT_EQ(small.encode("<|im_end|>"), std::vector<int32_t>{*small.eos()});
  if (!fs::exists(kFixtures / "qwen2")) return;
  const Tokenizer tokenizer = load_tokenizer(kFixtures / "qwen2");  // at full scale
  EXPECT_TRUE(tokenizer.spec().byte_level);
  EXPECT_EQ(tokenizer.eos(), 151645);
  EXPECT_EQ(tokenizer.pad(), 151643);
  EXPECT_EQ(tokenizer.encode("<|im_start|>"), std::vector<int32_t>{151644});
  expect_references(tokenizer, "ggml-vocab-qwen2.gguf");
}

TEST(SentencePiece, FilesSplitTheirOwnText) {
  for (const char* name : {"unigram.model", "bpe.model"}) {
    const Tokenizer small = load_tokenizer(kGoldens / name);
    EXPECT_EQ(small.vocab_size(), 1800);
    EXPECT_EQ(small.decode(small.encode("마루에 앉아 있으면")), "마루에 앉아 있으면");
    EXPECT_EQ(small.roles().unk, 0);
    EXPECT_EQ(small.bos(), 1);
    EXPECT_EQ(small.eos(), 2);
  }
  const fs::path file = kFixtures / "sentencepiece" / "test_model.model";
  if (!fs::exists(file)) return;
  const Tokenizer tokenizer = load_tokenizer(file);  // at full scale
  EXPECT_EQ(tokenizer.vocab_size(), 1000);
  const std::vector<int32_t> ids = tokenizer.encode("I saw a girl with a telescope.");
  EXPECT_EQ(tokenizer.decode(ids), "I saw a girl with a telescope.");
  // From the library's own README: ▁I ▁saw ▁a ▁girl ▁with ▁a ▁ t el es c o pe .
  EXPECT_EQ(ids, (std::vector<int32_t>{9, 459, 11, 939, 44, 11, 4, 142, 82, 8, 28, 21, 132, 6}));
  EXPECT_EQ(tokenizer.roles().unk, 0);
  EXPECT_EQ(tokenizer.bos(), 1);
  EXPECT_EQ(tokenizer.eos(), 2);
}

/// Any ids: no part of a character may come out, and all parts together are what decoding at once gives.
void expect_whole_characters(const Tokenizer& tokenizer, const std::string& name) {
  Random random(11);
  for (int round = 0; round < 2000; ++round) {
    StreamDecoder stream(tokenizer, round % 2 == 0);
    std::vector<int32_t> ids;
    std::string text;
    for (uint64_t left = random.below(24); left > 0; --left) {
      const auto id = static_cast<int32_t>(random.below(static_cast<uint64_t>(tokenizer.vocab_size())));
      if (!tokenizer.contains(id)) continue;
      ids.push_back(id);
      const std::string part = stream.push(id);
      ASSERT_TRUE(is_valid_utf8(part)) << name << ": " << testing::PrintToString(ids);
      text += part;
    }
    text += stream.flush();
    ASSERT_EQ(replace_invalid_utf8(tokenizer.decode(ids, round % 2 == 0)), text)
        << name << ": " << testing::PrintToString(ids);
  }
}

TEST(VocabularyFiles, StreamsNeverBreakACharacter) {
  for (const char* name : {"gpt2", "qwen2", "bert", "unigram.model", "bpe.model"})
    expect_whole_characters(load_tokenizer(kGoldens / name), name);
  for (const std::string& name : gguf_fixtures()) {
    const fs::path file = kFixtures / "gguf_vocabs" / (name + ".gguf");
    expect_whole_characters(gguf_tokenizer(MetadataReader(file).read(), file.string()).value(), name);
  }
  if (!fs::exists(kFixtures / "sentencepiece")) return;
  for (const char* name : {"qwen2", "sentencepiece/test_model.model", "sentencepiece/test_ja_model.model"})
    expect_whole_characters(load_tokenizer(kFixtures / name), name);
}

std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}
std::string field(uint32_t number, std::string_view bytes) {
  return varint(number << 3 | 2) + varint(bytes.size()) + std::string(bytes);
}
std::string flag(uint32_t number, uint64_t value) { return varint(number << 3) + varint(value); }
std::string piece(std::string_view text, float score, int type) {
  std::string number(4, '\0');
  std::memcpy(number.data(), &score, 4);
  return field(1, field(1, text) + varint(2 << 3 | 5) + number + flag(3, static_cast<uint64_t>(type)));
}
std::string small_model(int model_type) {
  std::string bytes = piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("</s>", 0, 3) + piece("▁a", -1, 1);
  bytes += piece("b", -2, 1) + piece("▁", -3, 1) + piece("a", -4, 1) + piece("<sep>", 0, 4);
  return bytes + field(2, flag(3, static_cast<uint64_t>(model_type))) + field(3, flag(3, 1) + flag(4, 1));
}

TEST(SentencePiece, ReadsBothKinds) {
  for (const int type : {1, 2}) {
    const TokenizerSpec spec = parse_sentencepiece(small_model(type), "t.model", {true, true}).value();
    const Tokenizer t = Tokenizer::create(spec, "t.model").value();
    EXPECT_EQ(t.encode("a  ab<sep>가나b", {.add_special_tokens = true}),
              (std::vector<int32_t>{1, 3, 3, 4, 7, 0, 4, 2}));
    EXPECT_EQ(t.decode(std::vector<int32_t>{1, 3, 4, 2}, true), "ab");
    EXPECT_EQ(t.encode("<s>", {.parse_special = false}), (std::vector<int32_t>{5, 0}));
    EXPECT_EQ(t.encode("<s>"), (std::vector<int32_t>{1}));
  }
  EXPECT_EQ(parse_sentencepiece(small_model(3), "t").error().code, ErrorCode::kUnimplemented);
}

TEST(SentencePiece, UnusedPiecesMatchNothing) {
  const std::string bytes = small_model(1) + piece("▁ab", -0.1f, 5);
  const Tokenizer t = Tokenizer::create(parse_sentencepiece(bytes, "t.model").value(), "t.model").value();
  EXPECT_EQ(t.encode("ab"), (std::vector<int32_t>{3, 4}));
  EXPECT_EQ(t.decode(std::vector<int32_t>{8}), "ab");
}

TEST(SentencePiece, DamagedFilesAreNamed) {
  const std::string good = small_model(1);
  const auto message = [](const std::string& bytes) {
    const auto result = parse_sentencepiece(bytes, "t.model");
    return result.ok() ? std::string("no error") : result.error().message;
  };
  EXPECT_EQ(message(""), "t.model: no pieces: not a SentencePiece model");
  EXPECT_EQ(message("\x0A\xFF\x7F"), "t.model: a field of 16383 bytes where 0 are left at byte 3");
  EXPECT_EQ(message(good + good), "t.model: pieces[8]: \"<unk>\" is there already");
  EXPECT_EQ(message(piece("x", 0, 9)).substr(0, 26), "t.model: a piece of type 9");
  EXPECT_EQ(message("\x0B").substr(0, 31), "t.model: a field of wire type 3");
  for (size_t cut = 0; cut < good.size(); ++cut) (void)message(good.substr(0, cut));
}

std::string tiktoken_lines(const std::vector<std::string>& tokens) {
  std::string text;
  for (int b = 0; b < 256; ++b)
    text += to_base64(std::string(1, static_cast<char>(b))) + " " + std::to_string(b) + "\n";
  for (size_t i = 0; i < tokens.size(); ++i) text += to_base64(tokens[i]) + " " + std::to_string(256 + i) + "\n";
  return text;
}

TEST(Tiktoken, MergesByTheRankOfTheResult) {
  const std::string text = tiktoken_lines({"ab", "bc", "abc", " a"});
  EXPECT_TRUE(is_tiktoken(text));
  EXPECT_FALSE(is_tiktoken("{\"version\": 1}"));
  const TiktokenOptions options{*pattern_of_tiktoken("cl100k_base"), {{"<|end|>", 300}}};
  const Tokenizer t = Tokenizer::create(parse_tiktoken(text, "t", options).value(), "t").value();
  EXPECT_EQ(t.encode("abc bcd a<|end|>"), (std::vector<int32_t>{258, ' ', 257, 'd', 259, 300}));
  EXPECT_EQ(t.decode(t.encode("가 1234\r\n x")), "가 1234\r\n x");
  const Tokenizer pairs =
      Tokenizer::create(parse_tiktoken(tiktoken_lines({"ab", "bc"}), "t", options).value(), "t").value();
  EXPECT_EQ(pairs.encode("abcd"), (std::vector<int32_t>{256, 'c', 'd'}));
  const Tokenizer whole =
      Tokenizer::create(parse_tiktoken(tiktoken_lines({"bc", "abcd"}), "t", options).value(), "t").value();
  EXPECT_EQ(whole.encode("abcd"), std::vector<int32_t>{257}) << "a token, though no merge leads to it";
  EXPECT_EQ(parse_tiktoken("YQ== 0\n!! 1\n", "t.tiktoken", options).error().message,
            "t.tiktoken:2: expected base64, a space and a rank");
}

// A tokenizer.model whose ranks are nobody's: how it splits text, and which tokens follow, is not in the file.
TEST(Tiktoken, RanksOfUnknownOriginAreRefusedByName) {
  const fs::path folder = fs::temp_directory_path() / ("maru_tiktoken_" + std::to_string(::getpid()));
  fs::create_directories(folder);
  std::vector<std::string> many;
  for (int i = 0; i < 128'256 - 256; ++i) many.push_back("w" + std::to_string(i));
  const auto error_of = [&](const std::string& name, const std::string& text) {
    write_file(folder / name, text);
    try {
      load_tokenizer(folder / name);
      return std::string("no error");
    } catch (const Failure& failure) {
      return std::string(failure.what());
    }
  };
  const std::string ours = tiktoken_lines(many), few = tiktoken_lines({"ab", "bc"});
  EXPECT_NE(error_of("tokenizer.model", ours).find("tokenizer.model: 128256 tiktoken ranks whose split"),
            std::string::npos);
  for (const char* name :
       {"tokenizer.model", "glm.model", "hy.tiktoken", "llama.tiktoken", "ranks", "cl100k_base.model", "qwen"})
    EXPECT_NE(error_of(name, few).find("258 tiktoken ranks whose split"), std::string::npos) << name;
  EXPECT_NE(error_of("tokenizer.model", few.substr(0, few.size() - 1)).find("258 tiktoken ranks"), std::string::npos)
      << "a last line without an end";
  for (const char* name : {"cl100k_base.tiktoken", "o200k_base.tiktoken", "r50k_base.tiktoken", "p50k_base.tiktoken"})
    EXPECT_EQ(error_of(name, few), "no error") << "a name that says how text is split: " << name;
  EXPECT_EQ(error_of("qwen.tiktoken", few), "no error");
  const Tokenizer qwen = load_tokenizer(folder / "qwen.tiktoken");
  EXPECT_EQ(qwen.encode("ab<|im_end|><|extra_204|>"), (std::vector<int32_t>{256, 260, 465}));
  fs::remove_all(folder);
}

TEST(GgufVocabulary, RefusesWhatDoesNotFit) {
  GgufVocabulary v{.model = "gpt2", .pre = "gpt-2", .tokens = {"a", "b", "ab"}, .merges = {"a b"}};
  const auto message = [&] { return gguf_tokenizer(v, "f.gguf").error().message; };
  EXPECT_EQ(gguf_tokenizer(v, "f.gguf").value().encode("ab"), std::vector<int32_t>{2});
  v.merges = {"a c"};
  EXPECT_EQ(message(), "f.gguf: tokenizer.ggml.merges[0]: expected two tokens, got \"a c\"");
  v.merges = {};
  v.token_types = {1};
  EXPECT_EQ(message(), "f.gguf: tokenizer.ggml.token_type: expected one for each token");
  v.token_types = {};
  v.pre = "unheard-of";
  EXPECT_EQ(message(), "f.gguf: tokenizer.ggml.pre: \"unheard-of\" is not supported yet");
  v.model = "rwkv";
  EXPECT_EQ(message(), "f.gguf: tokenizer.ggml.model: \"rwkv\" is not supported yet");
  v = {.model = "bert", .tokens = {"[UNK]", "▁a"}, .sep = 0, .cls = 7};
  EXPECT_EQ(message(), "f.gguf: tokenizer.ggml.…_token_id: no token has id 7");
}

TEST(GgufVocabulary, PiecesThatAreTokensAreTakenWholeWherePatternsSaySo) {
  GgufVocabulary v{
      .model = "gpt2", .pre = "gpt-2", .tokens = {"a", "b", "c", "ab", "abc"}, .merges = {"a b"}, .bos = 0, .eos = 1};
  EXPECT_EQ(gguf_tokenizer(v, "f.gguf").value().encode("abc"), (std::vector<int32_t>{3, 2}));
  v.pre = "llama-bpe";
  const Tokenizer whole = gguf_tokenizer(v, "f.gguf").value();
  EXPECT_EQ(whole.encode("abc"), (std::vector<int32_t>{4}));
  EXPECT_EQ(whole.bos(), 0);
  EXPECT_EQ(whole.eos(), 1);
}

// Whatever type a file gives them: as text they would be printed, and generation would go on behind them.
TEST(GgufVocabulary, TokensSpelledAsTurnEndsAreControl) {
  const std::vector<std::string> ends{"<|im_end|>",    "<|eot_id|>",      "<|eom_id|>",         "<|end|>",
                                      "<end_of_turn>", "<|endoftext|>",   "[|endofturn|]",      "<|endofturn|>",
                                      "<|stop|>",      "<|end_of_text|>", "<end_of_utterance>", "<EOT>",
                                      "[EOT]",         "<turn|>"};
  const std::vector<std::string> others{"</s>", "<eos>", "<|im_start|>", "<b>", "<|im_end"};
  for (const int type : {0, 1, 3, 4}) {
    GgufVocabulary v{.model = "gpt2", .pre = "gpt-2", .tokens = {"a", "b", "ab"}, .merges = {"a b"}};
    for (const auto* list : {&ends, &others}) v.tokens.insert(v.tokens.end(), list->begin(), list->end());
    v.token_types.assign(v.tokens.size(), 1);
    std::fill(v.token_types.begin() + 3, v.token_types.end(), type);
    const Tokenizer t = gguf_tokenizer(v, "f.gguf").value();
    for (size_t i = 0; i < ends.size(); ++i) {
      const auto id = static_cast<int32_t>(3 + i);
      EXPECT_TRUE(t.is_special(id)) << ends[i] << type;
      EXPECT_EQ(t.encode("ab" + ends[i] + "ab"), (std::vector<int32_t>{2, id, 2})) << ends[i] << type;
      EXPECT_EQ(t.decode(std::vector<int32_t>{2, id}, true), "ab") << ends[i] << type;
    }
    for (size_t i = 0; i < others.size(); ++i)
      EXPECT_EQ(t.is_special(static_cast<int32_t>(3 + ends.size() + i)), type == 3) << others[i] << type;
    EXPECT_EQ(turn_ends_of(t).size(), ends.size()) << type;
    v.token_types.clear();
    EXPECT_TRUE(gguf_tokenizer(v, "f.gguf").value().is_special(3)) << "a file without types";
  }
  GgufVocabulary harmony{.model = "gpt2", .pre = "gpt-2", .tokens = {"<|end|>", "<|return|>", "<|call|>"}};
  EXPECT_EQ(turn_ends_of(gguf_tokenizer(harmony, "f.gguf").value()), (std::vector<int32_t>{1, 2}))
      << "ends a part of a turn there";
  GgufVocabulary pieces{.model = "llama", .tokens = {"<unk>", "a", "<end_of_turn>", "▁", "▁a"}, .unk = 0};
  pieces.scores.assign(5, 0);
  for (const int type : {1, 4}) {
    pieces.token_types = {2, 1, type, 1, 1};
    const Tokenizer t = gguf_tokenizer(pieces, "f.gguf").value();
    EXPECT_TRUE(t.is_special(2));
    EXPECT_EQ(t.encode("a<end_of_turn>"), (std::vector<int32_t>{4, 2}));
  }
}

TEST(GgufVocabulary, MergesSpellUserDefinedTokensInTheAlphabet) {
  GgufVocabulary v{.model = "gpt2", .pre = "gpt-2", .tokens = {"\u0120", "  "}, .merges = {"\u0120 \u0120"}};
  EXPECT_FALSE(gguf_tokenizer(v, "f.gguf").ok());
  v.token_types = {1, 4};
  const Tokenizer t = gguf_tokenizer(v, "f.gguf").value();
  EXPECT_EQ(std::get<BpeSpec>(t.spec().model).merges, (std::vector<Merge>{{0, 0, 1}}));
}

TEST(GgufVocabulary, LlamaPiecesAndTheirBytes) {
  GgufVocabulary v{.model = "llama", .tokens = {"<unk>", "<s>", "</s>"}, .bos = 1, .eos = 2, .unk = 0};
  v.token_types = {2, 3, 3};
  for (int b = 0; b < 256; ++b) {
    const std::string_view digits = "0123456789ABCDEF";
    v.tokens.push_back(std::string("<0x") + digits[b / 16] + digits[b % 16] + ">");
    v.token_types.push_back(6);
  }
  for (const char* token : {"▁", "a", "▁a", "aa"}) {
    v.tokens.emplace_back(token);
    v.token_types.push_back(1);
  }
  v.scores.assign(v.tokens.size(), 0);
  v.scores[261] = -1;
  v.scores[262] = -2;
  const Tokenizer t = gguf_tokenizer(v, "f.gguf").value();
  EXPECT_EQ(t.encode("aaa", {.add_special_tokens = true}), (std::vector<int32_t>{1, 261, 262}));
  EXPECT_EQ(t.encode("é"), (std::vector<int32_t>{259, 3 + 0xC3, 3 + 0xA9}));
  EXPECT_EQ(t.decode(t.encode("  aé")), "  aé");
}

TEST(SplitPatterns, EveryKnownNameCompiles) {
  for (const char* name :
       {"default", "llama-bpe", "deepseek-llm", "deepseek-coder", "deepseek-v3", "falcon",    "exaone",
        "gpt-2",   "qwen2",     "qwen35",       "bloom",          "viking",      "tekken",    "chameleon",
        "gpt-4o",  "tiny_aya",  "superbpe",     "bailingmoe",     "seed-coder",  "exaone-moe"}) {
    const auto split = split_of_gguf(name);
    ASSERT_TRUE(split) << name;
    const auto pre_tokenizer = PreTokenizer::create(split->patterns, name);
    ASSERT_TRUE(pre_tokenizer.ok()) << pre_tokenizer.error().message;
    std::string all;
    pre_tokenizer.value().split("Hello WORLD 한국어 12345, 中文\n don't!!  x", [&](std::string_view p) { all += p; });
    EXPECT_EQ(all, "Hello WORLD 한국어 12345, 中文\n don't!!  x");
  }
  EXPECT_FALSE(split_of_gguf("unheard-of"));
  for (const char* name : {"gpt2", "cl100k_base", "o200k_base", "llama3", "qwen"})
    EXPECT_TRUE(Regex::compile(*pattern_of_tiktoken(name), name).ok());
}

}  // namespace
}  // namespace maru::text
