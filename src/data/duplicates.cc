#include "data/duplicates.h"

#include <algorithm>
#include <vector>

#include "base/hash.h"
#include "text/unicode/unicode.h"

namespace maru::data {

std::string document_id(std::string_view text) { return sha256_hex(text).substr(0, 32); }

std::string ExactDuplicates::first_of(std::string_view text, const std::string& source) {
  std::string folded;
  folded.reserve(text.size());
  std::copy_if(text.begin(), text.end(), std::back_inserter(folded),
               [](char c) { return c != ' ' && c != '\n' && c != '\t'; });
  const auto [it, is_new] = seen_.try_emplace(document_id(folded), source);
  return is_new ? "" : it->second;
}

std::string ParagraphDuplicates::without_repeated(std::string_view text, int64_t& removed) {
  std::string kept;
  std::vector<uint64_t> own;  // a paragraph may repeat inside its own document: that is for the quality filters
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find("\n\n", at), text.size());
    const std::string_view paragraph = text.substr(at, end - at);
    at = end + 2;
    const bool judged = static_cast<int64_t>(text::count_code_points(paragraph)) >= min_characters_;
    if (judged && seen_.contains(hash64(paragraph))) {
      ++removed;
      continue;
    }
    if (judged) own.push_back(hash64(paragraph));
    if (!kept.empty()) kept += "\n\n";
    kept += paragraph;
  }
  seen_.insert(own.begin(), own.end());
  return kept;
}

}  // namespace maru::data
