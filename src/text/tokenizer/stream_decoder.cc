#include "text/tokenizer/stream_decoder.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"


namespace maru::text {
namespace {

constexpr size_t kMostBefore = 64;  // no step looks further back for what it does next

/// The last tokens that have a text.
std::vector<int32_t> tail_of(std::span<const int32_t> tokens, const Tokenizer& tokenizer, bool skip_special) {
  std::vector<int32_t> tail;
  for (size_t i = tokens.size(); i-- > 0 && tail.size() < kMostBefore;)
    if (tokenizer.contains(tokens[i]) && !(skip_special && tokenizer.is_special(tokens[i]))) tail.push_back(tokens[i]);
  return {tail.rbegin(), tail.rend()};
}

}  // namespace

StreamDecoder::StreamDecoder(const Tokenizer& tokenizer, bool skip_special, std::span<const int32_t> before,
                             std::vector<int32_t> shown)
    : tokenizer_(tokenizer), skip_special_(skip_special), shown_(std::move(shown)), run_(fresh_run()) {
  if (!before.empty()) go_on_behind(before);
}

DecoderRun StreamDecoder::fresh_run() const {
  return tokenizer_.spec().byte_level ? DecoderRun({}) : tokenizer_.decoder().start();
}

void StreamDecoder::go_on_behind(std::span<const int32_t> before) {
  const std::vector<int32_t> tail = tail_of(before, tokenizer_, skip_special_);
  std::string sure;
  for (const int32_t id : tail) {
    push_token(id);
    sure += take_whole();
  }
  const std::string whole = replace_invalid_utf8(tokenizer_.decode(tail, skip_special_));
  if (whole.size() > sure.size()) told_ = whole.substr(sure.size());
  if (told_.find("\uFFFD") != std::string::npos) told_.clear();  // a character that the next token may finish
}

void StreamDecoder::push_token(int32_t id) {
  const std::string_view token = tokenizer_.decoded_spelling_of(id);
  const bool skipped =
      skip_special_ && tokenizer_.is_special(id) && std::find(shown_.begin(), shown_.end(), id) == shown_.end();
  if (!skipped) run_.push(token, pending_);
}

std::string StreamDecoder::push(int32_t id) {
  push_token(id);
  return without_told(take_whole());
}

std::string StreamDecoder::take_whole() {
  const size_t whole = pending_.size() - incomplete_suffix(pending_);
  std::string text = replace_invalid_utf8(std::string_view(pending_).substr(0, whole));
  pending_.erase(0, whole);
  return text;
}

std::string StreamDecoder::without_told(std::string text) {
  if (told_.empty() || text.empty()) return text;
  if (told_.starts_with(text)) {
    told_.erase(0, text.size());
    return {};
  }
  if (text.starts_with(told_)) text.erase(0, told_.size());
  told_.clear();
  return text;
}

std::string StreamDecoder::flush() {
  run_.finish(pending_);
  run_ = fresh_run();
  std::string rest = without_told(replace_invalid_utf8(std::exchange(pending_, {})));
  told_.clear();
  return rest;
}

}  // namespace maru::text
