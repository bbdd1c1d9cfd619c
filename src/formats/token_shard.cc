#include "formats/token_shard.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/hash.h"
#include "formats/shard_blocks.h"

namespace maru::formats {
namespace {

constexpr std::string_view kMagic = "MARUTOKS";
constexpr uint32_t kVersion = 1, kMaskFlag = 1, kValuesFlag = 2;
// Far above any real shard and low enough that no sum of section sizes overflows.
constexpr uint64_t kMaxCount = uint64_t{1} << 48;

template <class T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

template <class T>
void append(std::string& to, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  to.append(bytes, sizeof(T));
}

void pad(std::string& section) { section.resize((section.size() + 7) / 8 * 8, '\0'); }

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

int32_t TokenSpan::operator[](int64_t i) const {
  return token_bytes_ == 2 ? load<uint16_t>(data_ + 2 * i) : load<int32_t>(data_ + 4 * i);
}

void TokenSpan::copy_to(std::span<int32_t> to) const {
  CHECK(to.size() == static_cast<size_t>(size_));
  if (token_bytes_ == 4) {
    std::memcpy(to.data(), data_, to.size() * 4);
  } else {
    for (size_t i = 0; i < to.size(); ++i) to[i] = load<uint16_t>(data_ + 2 * i);
  }
}

ShardWriter::ShardWriter(uint32_t vocab_size, bool with_mask, bool with_values)
    : vocab_size_(vocab_size),
      token_bytes_(vocab_size <= 65536 ? 2 : 4),
      with_mask_(with_mask),
      with_values_(with_values) {
  CHECK(vocab_size > 0 && vocab_size <= INT32_MAX);
}

void ShardWriter::put_token(int32_t token) {
  if (token_bytes_ == 2)
    append(tokens_, static_cast<uint16_t>(token));
  else
    append(tokens_, token);
}

void ShardWriter::add(std::span<const int32_t> tokens, uint64_t source_bytes, std::span<const uint8_t> mask,
                      double value) {
  CHECK(mask.empty() || (with_mask_ && mask.size() == tokens.size()));
  if (tokens.empty()) throw Failure(ErrorCode::kInvalidArgument, "[token shard] a document without tokens");
  if (!std::isfinite(value)) throw Failure(ErrorCode::kInvalidArgument, "[token shard] a value that is not finite");
  for (const int32_t token : tokens)  // as unsigned, a negative id is too large as well
    if (static_cast<uint32_t>(token) >= vocab_size_)
      throw Failure(ErrorCode::kInvalidArgument, "[token shard] token " + std::to_string(token) + ", expected 0 to " +
                                                     std::to_string(vocab_size_ - 1));
  for (const int32_t token : tokens) put_token(token);
  const auto first = static_cast<size_t>(num_tokens_);
  num_tokens_ += static_cast<int64_t>(tokens.size());
  mask_bits_.resize((static_cast<size_t>(num_tokens_) + 7) / 8, '\0');
  for (size_t i = 0; i < tokens.size(); ++i)
    if (mask.empty() || mask[i] != 0)
      mask_bits_[(first + i) / 8] = static_cast<char>(mask_bits_[(first + i) / 8] | (1 << ((first + i) % 8)));
  ends_.push_back(static_cast<uint64_t>(num_tokens_));
  source_bytes_.push_back(source_bytes);
  values_.push_back(value);
  total_source_bytes_ += source_bytes;
}

void ShardWriter::write(const fs::path& path) {
  std::string header(kMagic), body, checksums;
  append(header, kVersion);
  append(header, static_cast<uint32_t>(token_bytes_));
  append(header, static_cast<uint64_t>(ends_.size()));
  append(header, static_cast<uint64_t>(num_tokens_));
  append(header, vocab_size_);
  append(header, (with_mask_ ? kMaskFlag : 0u) | (with_values_ ? kValuesFlag : 0u));
  append(header, total_source_bytes_);
  append(header, uint64_t{0});
  append(header, hash64(header));
  for (const uint64_t end : ends_) append(body, end);
  for (const uint64_t bytes : source_bytes_) append(body, bytes);
  if (with_values_)
    for (const double value : values_) append(body, value);
  pad(tokens_);
  body += tokens_;
  pad(mask_bits_);
  if (with_mask_) body += mask_bits_;
  for (size_t at = 0; at < body.size(); at += ShardLayout::kBlockBytes)
    append(checksums, hash64(std::string_view(body).substr(at, ShardLayout::kBlockBytes)));
  append(checksums, hash64(checksums));
  AtomicFile file(path);
  for (const std::string* part : {&header, &body, &checksums}) file.write(*part);
  file.commit();
  *this = ShardWriter(vocab_size_, with_mask_, with_values_);
}

int64_t ShardReader::begin_of(int64_t i) const {
  CHECK(i >= 0 && i <= num_documents_);
  if (i == 0) return 0;
  require(ends_ + 8 * (i - 1), 8);
  return load<int64_t>(ends_ + 8 * (i - 1));
}

TokenDocument ShardReader::document(int64_t i) const {
  CHECK(i >= 0 && i < num_documents_);
  const int64_t begin = begin_of(i), size = begin_of(i + 1) - begin;
  const std::byte *source_bytes = source_bytes_ + 8 * i, *tokens = tokens_ + begin * token_bytes_;
  require(source_bytes, 8);
  require(tokens, size * token_bytes_);
  if (has_mask()) require(mask_ + begin / 8, (begin + size + 7) / 8 - begin / 8);
  return {TokenSpan(tokens, token_bytes_, size), LossMask(mask_, begin), load<uint64_t>(source_bytes), value_of(i)};
}

double ShardReader::value_of(int64_t i) const {
  if (!has_values()) return 0;
  const std::byte* at = values_ + 8 * i;
  require(at, 8);
  const auto value = load<double>(at);
  if (!std::isfinite(value))
    throw Failure(ErrorCode::kDataLoss, blocks_->name() + ": the value of document " + std::to_string(i) +
                                            " is not finite at offset " + std::to_string(at - file_->bytes().data()));
  return value;
}

void ShardReader::require(const std::byte* from, int64_t bytes) const {
  const auto offset = static_cast<uint64_t>(from - file_->bytes().data());
  blocks_->require(offset, offset + static_cast<uint64_t>(bytes));
}

/// Checks step by step what a mapped file says of itself; nothing is read before it is known to exist.
class ShardParser {
 public:
  ShardParser(const fs::path& path, ShardReader& to) : path_(path), to_(to), bytes_(to.file_->bytes()) {}

  /// An error's message, or "".
  std::string parse() {
    for (const auto step : {&ShardParser::header, &ShardParser::length, &ShardParser::checksums, &ShardParser::end})
      if (std::string why = (this->*step)(); !why.empty()) return path_.string() + ": " + why;
    attach();
    return "";
  }

 private:
  static std::string at(uint64_t offset) { return " at offset " + std::to_string(offset); }
  uint64_t u64(uint64_t offset) const { return load<uint64_t>(bytes_.data() + offset); }
  uint32_t u32(uint64_t offset) const { return load<uint32_t>(bytes_.data() + offset); }
  std::string_view part(uint64_t from, uint64_t to) const { return text_of(bytes_.subspan(from, to - from)); }
  ShardLayout layout() const {
    return {u64(16), u64(24), u32(32), (u32(36) & kMaskFlag) != 0, (u32(36) & kValuesFlag) != 0};
  }

  std::string header() {
    if (bytes_.size() < ShardLayout::kHeaderBytes)
      return "has " + std::to_string(bytes_.size()) + " bytes, a token shard has at least 64";
    if (part(0, 8) != kMagic) return "is not a token shard (magic" + at(0) + ")";
    if (u64(56) != hash64(part(0, 56))) return "corrupt header (checksum" + at(56) + ")";
    if (u32(8) != kVersion) return "version " + std::to_string(u32(8)) + ", expected 1" + at(8);
    const bool sizes = u32(12) == (u32(32) <= 65536 ? 2 : 4) && u64(16) < kMaxCount && u64(24) < kMaxCount;
    return !sizes || u32(32) == 0 || u32(32) > INT32_MAX || u32(36) > (kMaskFlag | kValuesFlag)
               ? "impossible header" + at(12)
               : "";
  }

  std::string length() {
    const uint64_t expected = layout().end;
    return expected == bytes_.size() ? ""
                                     : "truncated or extended: has " + std::to_string(bytes_.size()) +
                                           " bytes, expected " + std::to_string(expected);
  }

  std::string checksums() {
    const ShardLayout l = layout();
    return u64(l.end - 8) == hash64(part(l.checksums, l.end - 8)) ? "" : "corrupt checksums" + at(l.checksums);
  }

  std::string end() {
    const ShardLayout l = layout();
    const uint64_t last = l.documents == 0 ? 0 : u64(l.source_bytes - 8);
    return last == l.num_tokens ? "" : "the last document ends impossibly" + at(l.source_bytes - 8);
  }

  void attach() {
    const ShardLayout l = layout();
    to_.blocks_ = std::make_shared<ShardBlocks>(path_.string(), bytes_, l);
    to_.token_bytes_ = static_cast<int>(l.token_bytes);
    to_.num_documents_ = static_cast<int64_t>(l.documents);
    to_.num_tokens_ = static_cast<int64_t>(l.num_tokens);
    to_.vocab_size_ = u32(32);
    to_.source_bytes_total_ = u64(40);
    to_.ends_ = bytes_.data() + ShardLayout::kHeaderBytes;
    to_.source_bytes_ = bytes_.data() + l.source_bytes;
    to_.values_ = l.with_values ? bytes_.data() + l.values : nullptr;
    to_.tokens_ = bytes_.data() + l.tokens;
    to_.mask_ = l.with_mask ? bytes_.data() + l.mask : nullptr;
  }

  const fs::path& path_;
  ShardReader& to_;
  const std::span<const std::byte> bytes_;
};

Result<ShardReader> ShardReader::open(const fs::path& path) {
  try {
    ShardReader reader;
    auto file = std::make_shared<MappedFile>(path);
    file->count_in();
    reader.file_ = std::move(file);
    if (std::string why = ShardParser(path, reader).parse(); !why.empty())
      return {ErrorCode::kDataLoss, std::move(why)};
    return reader;
  } catch (const Failure& e) {
    return e.error();
  }
}

}  // namespace maru::formats
