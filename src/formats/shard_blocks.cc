#include "formats/shard_blocks.h"

#include <algorithm>
#include <cstring>

#include "base/hash.h"

namespace maru::formats {
namespace {

uint64_t padded(uint64_t bytes) { return (bytes + 7) / 8 * 8; }

template <class T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

/// Quick, for what is nearly always so.
template <class T>
bool all_below(uint64_t limit, std::span<const std::byte> bytes) {
  T most = 0;
  for (size_t i = 0; i < bytes.size(); i += sizeof(T)) most = std::max(most, load<T>(bytes.data() + i));
  return most < limit;
}

std::string at(uint64_t offset) { return " at offset " + std::to_string(offset); }

}  // namespace

ShardLayout::ShardLayout(uint64_t documents, uint64_t num_tokens, uint32_t vocab_size, bool with_mask, bool with_values)
    : documents(documents),
      num_tokens(num_tokens),
      token_bytes(vocab_size <= 65536 ? 2 : 4),
      vocab_size(vocab_size),
      with_mask(with_mask),
      with_values(with_values),
      source_bytes(kHeaderBytes + 8 * documents),
      values(source_bytes + 8 * documents),
      tokens(values + (with_values ? 8 * documents : 0)),
      mask(tokens + padded(num_tokens * token_bytes)),
      checksums(mask + (with_mask ? padded((num_tokens + 7) / 8) : 0)),
      end(checksums + 8 * ((checksums - kHeaderBytes + kBlockBytes - 1) / kBlockBytes) + 8) {}

ShardBlocks::ShardBlocks(std::string name, std::span<const std::byte> bytes, const ShardLayout& layout)
    : name_(std::move(name)), bytes_(bytes), layout_(layout), whole_((layout.end - layout.checksums) / 8 - 1) {}

void ShardBlocks::require(uint64_t from, uint64_t to) const {
  const auto block_of = [](uint64_t offset) { return (offset - ShardLayout::kHeaderBytes) / ShardLayout::kBlockBytes; };
  for (uint64_t block = block_of(from); from < to && block <= block_of(to - 1); ++block) {
    if (whole_[block].load(std::memory_order_relaxed)) continue;
    if (const std::string why = problem_of(block); !why.empty())
      throw Failure(ErrorCode::kDataLoss, name_ + ": " + why);
    whole_[block].store(true, std::memory_order_relaxed);
  }
}

std::string ShardBlocks::problem_of(uint64_t block) const {
  const uint64_t from = ShardLayout::kHeaderBytes + block * ShardLayout::kBlockBytes,
                 to = std::min(from + ShardLayout::kBlockBytes, layout_.checksums);
  const auto* text = reinterpret_cast<const char*>(bytes_.data());
  if (load<uint64_t>(bytes_.data() + layout_.checksums + 8 * block) != hash64({text + from, to - from}))
    return "corrupt block (checksum)" + at(from);
  const std::string why = problem_of_ends(from, std::min(to, layout_.source_bytes));
  return why.empty() ? problem_of_tokens(std::max(from, layout_.tokens), to) : why;
}

std::string ShardBlocks::problem_of_ends(uint64_t from, uint64_t to) const {
  uint64_t last = from > ShardLayout::kHeaderBytes && from < to ? load<uint64_t>(bytes_.data() + from - 8) : 0;
  for (uint64_t offset = from; offset < to; offset += 8) {
    const auto end = load<uint64_t>(bytes_.data() + offset);
    if (end <= last || end > layout_.num_tokens)
      return "document " + std::to_string((offset - ShardLayout::kHeaderBytes) / 8) + " ends impossibly" + at(offset);
    last = end;
  }
  return "";
}

std::string ShardBlocks::problem_of_tokens(uint64_t from, uint64_t to) const {
  to = std::min(to, layout_.tokens + layout_.num_tokens * layout_.token_bytes);
  if (from >= to) return "";
  const std::span<const std::byte> tokens = bytes_.subspan(from, to - from);
  const bool narrow = layout_.token_bytes == 2;
  if (narrow ? all_below<uint16_t>(layout_.vocab_size, tokens) : all_below<uint32_t>(layout_.vocab_size, tokens))
    return "";
  for (uint64_t offset = from; offset < to; offset += layout_.token_bytes) {
    const std::byte* p = bytes_.data() + offset;
    const uint32_t token = narrow ? load<uint16_t>(p) : load<uint32_t>(p);
    if (token >= layout_.vocab_size) return "token " + std::to_string(token) + " is not in the vocabulary" + at(offset);
  }
  return "";
}

}  // namespace maru::formats
