#include "infer/loaded_encoder.h"

#include <fmt/format.h>

#include <algorithm>

#include "text/tokenizer/files/load_tokenizer.h"

namespace maru::infer {
namespace {

size_t special_tokens(const std::vector<text::Wrapping::Part>& parts) {
  size_t count = 0;
  for (const text::Wrapping::Part& part : parts) count += part.ids.size();
  return count;
}

/// The texts with what belongs around and between them.
EncoderInput wrapped(const std::vector<text::Wrapping::Part>& parts, const std::vector<int32_t>& first,
                     const std::vector<int32_t>& second) {
  EncoderInput input;
  for (const text::Wrapping::Part& part : parts) {
    const std::vector<int32_t>& ids = part.sequence < 0 ? part.ids : part.sequence == 0 ? first : second;
    input.tokens.insert(input.tokens.end(), ids.begin(), ids.end());
    input.types.resize(input.tokens.size(), static_cast<int32_t>(part.type_id));
  }
  return input;
}

}  // namespace

PairLengths fit_pair(size_t first, size_t second, size_t room) {
  if (first + second <= room) return {first, second};
  const size_t half = room / 2;
  if (first <= half) return {first, room - first};
  if (second <= half) return {room - second, second};
  return first > second ? PairLengths{room - half, half} : PairLengths{half, room - half};
}

LoadedEncoder::LoadedEncoder(const fs::path& directory, Device& device, const EncoderLoadOptions& options)
    : name_(fs::weakly_canonical(directory).filename().string()),
      model_(SentenceEncoder::load(directory, options.dtype)),
      tokenizer_(text::load_tokenizer(directory)),
      encoder_(tokenizer_),
      runner_(model_, device, options.batch_tokens) {
  if (tokenizer_.vocab_size() > model_.limits().vocab_size)
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("{}: the tokenizer has {} tokens, the model only {}", directory.string(),
                              tokenizer_.vocab_size(), model_.limits().vocab_size));
}

// The spelling of a special token stays plain text: a passage must not forge the border between itself and the query.
std::vector<int32_t> LoadedEncoder::tokens_of(std::string_view text) {
  return encoder_.encode(text, {.parse_special = false});
}

EncoderInput LoadedEncoder::input_of(std::string_view text, Truncation truncation) {
  const auto& parts = tokenizer_.wrapping().single;
  std::vector<int32_t> tokens = tokens_of(text);
  const auto most = static_cast<size_t>(model_.max_tokens()), special = special_tokens(parts);
  const size_t room = most - std::min(most, special);
  if (tokens.size() <= room) return wrapped(parts, tokens, {});
  if (truncation == Truncation::kNone)
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("the text has {} tokens: this model takes {}", tokens.size(), room));
  if (truncation == Truncation::kStart) tokens.erase(tokens.begin(), tokens.end() - static_cast<ptrdiff_t>(room));
  tokens.resize(room);
  return wrapped(parts, tokens, {});
}

EncoderInput LoadedEncoder::input_of(const TextPair& pair) {
  const auto& parts = tokenizer_.wrapping().pair;
  std::vector<int32_t> first = tokens_of(pair.first), second = tokens_of(pair.second);
  const auto most = static_cast<size_t>(model_.max_tokens()), special = special_tokens(parts);
  const PairLengths fits = fit_pair(first.size(), second.size(), most - std::min(most, special));
  first.resize(fits.first);
  second.resize(fits.second);
  return wrapped(parts, first, second);
}

std::string LoadedEncoder::prompt(const std::string& name) const {
  const std::string& wanted = name.empty() ? model_.default_prompt() : name;
  if (wanted.empty()) return "";
  const auto it = model_.prompts().find(wanted);
  if (it != model_.prompts().end()) return it->second;
  std::vector<std::string> known;
  for (const auto& [prompt, text] : model_.prompts()) known.push_back(prompt);
  throw Failure(ErrorCode::kNotFound, fmt::format("prompt \"{}\": the model has {}", wanted,
                                                  known.empty() ? "none" : fmt::format("{}", fmt::join(known, ", "))));
}

}  // namespace maru::infer
