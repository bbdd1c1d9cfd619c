#include "data/text_stats.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/hash.h"
#include "base/utf8.h"

namespace maru::data {
namespace {

bool is_unspaced_script(char32_t c) {
  return (c >= 0x0E00 && c <= 0x0EFF) || (c >= 0x1000 && c <= 0x109F) || (c >= 0x1780 && c <= 0x17FF) ||
         (c >= 0x3040 && c <= 0x30FF) || (c >= 0x3400 && c <= 0x9FFF) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0x20000 && c <= 0x3FFFF);
}

bool is_space(char32_t c) { return c == ' ' || c == '\n' || c == '\t'; }

bool is_letter(char32_t c) {
  if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  if (c >= 0xAC00 && c <= 0xD7A3) return true;
  // Vowel signs of Thai, Devanagari and others are marks, and as much a part of words as letters.
  return u_isalpha(static_cast<UChar32>(c)) || (U_GET_GC_MASK(static_cast<UChar32>(c)) & U_GC_M_MASK) != 0;
}

// UTF-8 read as Latin-1 or windows-1252 gives a lead byte's character and then those of continuation bytes.
bool is_false_lead(char32_t c) { return c >= 0xC2 && c <= 0xF4; }
bool is_false_continuation(char32_t c) {
  constexpr char32_t kWindows1252[] = {0x20AC, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030,
                                       0x0160, 0x2039, 0x0152, 0x017D, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
                                       0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x017E, 0x0178};
  return (c >= 0x80 && c <= 0xBF && c != 0xA0) ||
         std::find(std::begin(kWindows1252), std::end(kWindows1252), c) != std::end(kWindows1252);
}

template <class F>
void for_each_character(std::string_view text, const F& f) {
  for (const char *p = text.data(), *end = p + text.size(); p < end;) {
    const Decoded d = decode_utf8(p, end);
    f(d.code_point, std::string_view(p, d.length));
    p += d.length;
  }
}

void count_characters(std::string_view text, TextStats& stats) {
  char32_t previous = '\n';
  bool in_word = false;
  for_each_character(text, [&](char32_t c, std::string_view) {
    const bool space = is_space(c), unspaced = is_unspaced_script(c), letter = is_letter(c);
    ++stats.characters;
    stats.visible += !space;
    stats.letters += letter;
    stats.mojibake += c == 0xFFFD || (is_false_continuation(c) && is_false_lead(previous));
    stats.symbols += c == 0x2026 || (c == '#' && previous != '\n' && previous != '#');
    stats.words += unspaced || (!space && !in_word);
    stats.spaced_words += letter && !unspaced && !in_word;
    stats.spaced_letters += !space && !unspaced;
    in_word = !space && !unspaced;
    previous = c;
  });
  stats.unspaced = stats.words > 2 * stats.spaced_words;
}

bool ends_with_any(std::string_view line, std::initializer_list<std::string_view> ends) {
  return std::any_of(ends.begin(), ends.end(), [&](std::string_view end) { return line.ends_with(end); });
}

bool holds_sentence(std::string_view line) {
  for (const std::string_view inside : {". ", "! ", "? ", "。", "！", "？", "। ", "؟ "})
    if (line.find(inside) != std::string_view::npos) return true;
  while (ends_with_any(line, {"\"", "'", ")", "]"})) line.remove_suffix(1);
  for (const std::string_view quote : {"”", "’", "」", "』", "）"})
    if (line.ends_with(quote)) line.remove_suffix(quote.size());
  // Thai and Lao end sentences with nothing; Devanagari and Arabic have marks of their own.
  return ends_with_any(line,
                       {".", "!", "?", ":", "。", "！", "？", "…", "।", "؟", "۔", "။", "។", "다", "요", "까", "죠"});
}

bool is_bullet(std::string_view line) {
  for (const std::string_view bullet : {"- ", "* ", "+ ", "• ", "‣ ", "◦ ", "▪ ", "● ", "○ ", "■ ", "□ ", "※ ", "· "})
    if (line.starts_with(bullet)) return true;
  return false;
}

std::string_view without_indent(std::string_view line) {
  const size_t first = line.find_first_not_of(" \t");
  return first == std::string_view::npos ? std::string_view() : line.substr(first);
}

void count_lines(std::string_view text, TextStats& stats) {
  std::unordered_set<uint64_t> seen;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = without_indent(text.substr(at, end - at));
    at = end + 1;
    if (line.empty() || line == "```") continue;
    const bool repeated = !seen.insert(hash64(line)).second;
    ++stats.lines;
    stats.line_bytes += static_cast<int64_t>(line.size());
    stats.duplicate_lines += repeated;
    if (repeated) stats.duplicate_line_bytes += static_cast<int64_t>(line.size());
    stats.bullet_lines += is_bullet(line);
    stats.ellipsis_lines += ends_with_any(line, {"…", "..."});
    stats.sentence_lines += holds_sentence(line);
  }
}

void count_placeholders_of_lost_text(std::string_view text, TextStats& stats) {
  constexpr std::string_view kLost = "占쏙옙";  // U+FFFD in UTF-8, read as windows-949
  for (size_t at = text.find(kLost); at != std::string_view::npos; at = text.find(kLost, at + kLost.size()))
    stats.mojibake += 3;
}

}  // namespace

TextStats measure_text(std::string_view text) {
  TextStats stats;
  count_characters(text, stats);
  count_lines(text, stats);
  count_placeholders_of_lost_text(text, stats);
  return stats;
}

std::vector<WordHash> hash_words(std::string_view text) {
  std::vector<WordHash> words;
  const char* begin = nullptr;
  const char* last = text.data();
  const auto finish = [&](const char* end) {
    if (begin != nullptr)
      words.push_back({hash64({begin, static_cast<size_t>(end - begin)}), static_cast<uint32_t>(end - begin)});
    begin = nullptr;
  };
  for_each_character(text, [&](char32_t c, std::string_view bytes) {
    const bool unspaced = is_unspaced_script(c);
    if (is_space(c) || unspaced) finish(bytes.data());
    if (!is_space(c) && begin == nullptr) begin = bytes.data();
    last = bytes.data() + bytes.size();
    if (unspaced) finish(last);
  });
  finish(last);
  return words;
}

NgramRepetition measure_ngrams(const std::vector<WordHash>& words, size_t n) {
  NgramRepetition result;
  if (words.size() < 2 * n) return result;
  uint64_t all = 0, duplicate = 0, top = 0;
  for (const WordHash& word : words) all += word.bytes;
  std::unordered_map<uint64_t, uint32_t> counts;
  counts.reserve(words.size());
  size_t covered = 0;  // words before this one are counted already
  for (size_t i = 0; i + n <= words.size(); ++i) {
    uint64_t hash = 0, bytes = 0;
    for (size_t k = i; k < i + n; ++k) {
      hash = hash * 0x9E3779B97F4A7C15u + words[k].hash;
      bytes += words[k].bytes;
    }
    const uint32_t count = ++counts[hash];
    if (count < 2) continue;
    top = std::max(top, count * bytes);
    for (size_t k = std::max(i, covered); k < i + n; ++k) duplicate += words[k].bytes;
    covered = std::max(covered, i + n);
  }
  result.top = static_cast<double>(top) / static_cast<double>(all);
  result.duplicate = static_cast<double>(duplicate) / static_cast<double>(all);
  return result;
}

}  // namespace maru::data
