#include "data/duplicates.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/hash.h"
#include "base/utf8.h"

namespace maru::data {
namespace {

uint64_t number_of(std::string_view hex) {
  uint64_t number = 0;
  std::from_chars(hex.data(), hex.data() + hex.size(), number, 16);
  return number;
}

std::string bytes_of(const Hash128& key, uint32_t source_bytes) {
  std::string bytes(sizeof(key) + sizeof(source_bytes), '\0');
  std::memcpy(bytes.data(), &key, sizeof(key));
  std::memcpy(bytes.data() + sizeof(key), &source_bytes, sizeof(source_bytes));
  return bytes;
}

}  // namespace

std::string document_id(std::string_view text) { return sha256_hex(text).substr(0, 32); }

Hash128 text_key(std::string_view text) {
  std::string folded;
  folded.reserve(text.size());
  std::copy_if(text.begin(), text.end(), std::back_inserter(folded),
               [](char c) { return c != ' ' && c != '\n' && c != '\t'; });
  const std::string id = document_id(folded);
  return {number_of(id.substr(0, 16)), number_of(id.substr(16))};
}

bool ExactDuplicates::add(const Hash128& key, std::string_view source) {
  if (!seen_.insert(key)) return false;
  sources_.add(bytes_of(key, static_cast<uint32_t>(source.size())));
  sources_.add(source);
  return true;
}

std::vector<std::string> ExactDuplicates::sources_of(const std::vector<Hash128>& keys) {
  std::vector<std::string> sources(keys.size());
  if (keys.empty()) return sources;
  std::string_view rest = sources_.finish();
  for (Hash128 key; !rest.empty();) {
    uint32_t bytes = 0;
    std::memcpy(&key, rest.data(), sizeof(key));
    std::memcpy(&bytes, rest.data() + sizeof(key), sizeof(bytes));
    const std::string_view source = rest.substr(sizeof(key) + sizeof(bytes), bytes);
    for (size_t i = 0; i < keys.size(); ++i)
      if (keys[i] == key) sources[i] = source;
    rest.remove_prefix(sizeof(key) + sizeof(bytes) + bytes);
  }
  return sources;
}

std::string ParagraphDuplicates::without_repeated(std::string_view text, int64_t& removed) {
  std::string kept;
  std::vector<uint64_t> own;  // a paragraph may repeat inside its own document: that is for the quality filters
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find("\n\n", at), text.size());
    const std::string_view paragraph = text.substr(at, end - at);
    at = end + 2;
    const bool judged = static_cast<int64_t>(count_code_points(paragraph)) >= min_characters_;
    if (judged && seen_.contains(hash64(paragraph))) {
      ++removed;
      continue;
    }
    if (judged) own.push_back(hash64(paragraph));
    if (!kept.empty()) kept += "\n\n";
    kept += paragraph;
  }
  for (const uint64_t hash : own) seen_.insert(hash);
  return kept;
}

}  // namespace maru::data
