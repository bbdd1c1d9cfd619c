#include "text/tokenizer/files/split_patterns.h"

#include <algorithm>
#include <functional>
#include <map>

#include "text/tokenizer/scanner.h"

namespace maru::text {
namespace {

using Patterns = std::vector<std::string>;

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string all;
  for (const std::string_view part : parts) all += part;
  return all;
}

constexpr std::string_view kContraction = R"((?i:'s|'t|'re|'ve|'m|'ll|'d))";
constexpr std::string_view kWord = R"([^\r\n\p{L}\p{N}]?\p{L}+)";
constexpr std::string_view kSymbols = R"( ?[^\s\p{L}\p{N}]+[\r\n]*)";
constexpr std::string_view kSpaces = R"(\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kHanKana = R"([\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+)";
constexpr std::string_view kAsciiPunctuation = R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~])";

Patterns gpt2() { return {std::string(kGpt2Pattern)}; }
Patterns llama3() { return {std::string(kLlama3Pattern)}; }
Patterns qwen2() { return {std::string(kQwen2Pattern)}; }
Patterns digit_then_gpt2() { return {R"(\p{N})", std::string(kGpt2Pattern)}; }

// GPT-4o: words by the case of their letters.
std::string cased(std::string_view contraction, std::string_view digits) {
  const std::string_view upper = R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])", lower = R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])";
  const std::string_view before = R"([^\r\n\p{L}\p{N}]?)";
  return joined({before, upper, "*", lower, "+", contraction, "|", before, upper, "+", lower, "*", contraction, "|",
                 digits, R"(| ?[^\s\p{L}\p{N}]+[\r\n/]*|)", kSpaces});
}
std::string gpt4o() { return cased(R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?)", R"(\p{N}{1,3})"); }

std::string deepseek_words(std::string_view symbols_end) {
  return joined({kAsciiPunctuation, R"([A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+)", symbols_end,
                 R"(|\s+(?!\S)|\s+)"});
}
Patterns deepseek3() { return {R"(\p{N}{1,3})", std::string(kHanKana), deepseek_words(R"([\r\n]*|\s*[\r\n]+)")}; }
Patterns deepseek_coder() {
  return {R"([\r\n])", R"(\s?\p{L}+)", R"(\s?\p{P}+)", R"([\x{4E00}-\x{9FA5}\x{800}-\x{4E00}\x{AC00}-\x{D7FF}]+)",
          R"(\p{N})"};
}

// Letters of two cases and their relatives, as DeepSeek LLM's file lists them.
std::string deepseek_letters() {
  return "\\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-"
         "Ἕἠ-"
         "ὅὈ-Ὅὐ-ὗὙὛὝὟ-\\x{1F7D}ᾀ-ᾴ"
         "ᾶ-ᾼ\\x{1FBE}ῂ-ῄῆ-ῌῐ-\\x{1FD3}ῖ-\\x{1FDB}ῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤ\\x{2126}ℨ\\x{212A}-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-"
         "ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓"
         "𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+";
}
Patterns deepseek_llm() {
  return {R"([\r\n])",
          deepseek_letters(),
          "\\s?[!-/:-~！-／：-～‘-‟　-。]+",
          R"(\s+\z)",
          R"([\x{4E00}-\x{9FA5}\x{800}-\x{4E00}\x{AC00}-\x{D7FF}]+)",
          R"(\p{N}+)"};
}

Patterns falcon() { return {R"([\p{P}\$\+<=>\^~\|`]+)", std::string(kGpt2Pattern), "[0-9][0-9][0-9]"}; }
Patterns llama_cpp_default() {
  return {R"([\p{P}\$\+<=>\^~\|]+)", std::string(kGpt2Pattern), R"(\p{N}+)", "[0-9][0-9][0-9]"};
}
std::string sentences() { return " ?[^(\\s|.,!?…。，、।۔،)]+"; }
Patterns chameleon() {
  return {"<sentinel:[0-9]+>",       "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z",
          "([\\t\\n]|    |  )",      R"(\p{N})",
          R"([\p{P}!-/:-@\[-`{-~])", std::string(kGpt2Pattern)};
}
Patterns qwen35() {
  return {joined({kContraction, R"(|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|)", kSpaces})};
}
Patterns bailing_moe() {
  return {joined({R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|)",
                  R"(\s+(?!\S)|\s+)"})};
}
Patterns seed_coder() {
  return {joined({kContraction, "|", kWord, R"(|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+)"})};
}
Patterns exaone_moe() {
  return {
      joined({kContraction, R"(|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|)",
              R"(\s*[\r\n]|\s+(?!\S)|\s+)"})};
}
Patterns tiny_aya() { return {R"(\d{1,3}(?=(?:\d{3})*\b))", gpt4o()}; }
Patterns tekken() { return {cased("", R"(\p{N})")}; }

struct Known {
  std::vector<std::string_view> names;
  std::function<Patterns()> patterns;
  bool ignore_merges = false, add_bos = false, add_sep = false;
};

const std::vector<Known>& known_splits() {
  static const std::vector<Known> kKnown{
      {{"", "default"}, llama_cpp_default},
      {{"llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano"},
       llama3,
       true,
       true},
      {{"dbrx", "smaug-bpe", "glm4", "chatglm-bpe"}, llama3},
      {{"deepseek-llm"}, deepseek_llm},
      {{"deepseek-coder"}, deepseek_coder},
      {{"deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"}, deepseek3},
      {{"falcon"}, falcon},
      {{"starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b", "mellum2"}, digit_then_gpt2},
      {{"gpt-2", "phi-2", "jina-es", "jina-de", "gigachat", "jina-v2-es", "jina-v2-de", "a.x-4.0", "mellum",
        "modern-bert", "mpt", "olmo", "jais", "trillion", "granite-docling", "exaone4"},
       gpt2},
      {{"jina-v1-en", "jina-v2-code", "roberta-bpe"}, gpt2, false, false, true},
      {{"qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "stablelm2", "hunyuan", "solar-open", "megrez", "grok-2"},
       qwen2},
      {{"qwen35"}, qwen35},
      {{"poro-chat", "bloom", "gpt3-finnish"}, [] { return Patterns{sentences()}; }},
      {{"viking"},
       [] {
         return Patterns{sentences(), R"(\p{N})"};
       }},
      {{"tekken"}, tekken, true, true},
      {{"chameleon"}, chameleon, false, true},
      {{"gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"}, [] { return Patterns{gpt4o()}; }},
      {{"tiny_aya", "cohere2moe"}, tiny_aya},
      {{"superbpe"},
       [] {
         return Patterns{R"(\p{N}+)", R"((?=(\d{3})+(?!\d)))"};
       }},
      {{"bailingmoe", "bailingmoe2", "llada-moe"}, bailing_moe},
      {{"seed-coder"}, seed_coder},
      {{"exaone-moe"}, exaone_moe}};
  return kKnown;
}

}  // namespace

std::optional<KnownSplit> split_of_gguf(std::string_view pre) {
  for (const Known& known : known_splits())
    if (std::find(known.names.begin(), known.names.end(), pre) != known.names.end())
      return KnownSplit{known.patterns(), known.ignore_merges, known.add_bos, known.add_sep};
  return std::nullopt;
}

std::span<const std::string_view> gguf_split_names() {
  static constexpr std::string_view kNames[] = {
      "llama-bpe", "qwen2",        "gpt-2",          "dbrx",       "starcoder", "deepseek-v3",
      "qwen35",    "deepseek-llm", "deepseek-coder", "default",    "falcon",    "bloom",
      "viking",    "chameleon",    "bailingmoe",     "seed-coder", "exaone-moe"};
  return kNames;
}

std::optional<std::string> pattern_of_tiktoken(std::string_view name) {
  if (name == "gpt2" || name == "r50k_base" || name == "p50k_base")
    return R"('(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++\z|\s+(?!\S)|\s)";
  if (name == "cl100k_base")
    return joined({R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++\z)",
                   R"(|\s*[\r\n]|\s+(?!\S)|\s)"});
  if (name == "o200k_base") return gpt4o();
  if (name == "llama3") return std::string(kLlama3Pattern);
  if (name == "qwen") return std::string(kQwen2Pattern);
  return std::nullopt;
}

}  // namespace maru::text
