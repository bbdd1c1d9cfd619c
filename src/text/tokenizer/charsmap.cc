#include "text/tokenizer/charsmap.h"

#include <bit>
#include <cstring>

namespace maru::text {
namespace {

static_assert(std::endian::native == std::endian::little);

// A unit of darts-clone: bit 31 marks values, bit 8 a node with a value, bits 10 and up (times 256 with bit 9) lead to
// the children, the low byte is the label.
bool has_value(uint32_t unit) { return (unit >> 8 & 1) != 0; }
uint32_t value_of(uint32_t unit) { return unit & 0x7FFFFFFF; }
uint32_t label_of(uint32_t unit) { return unit & 0x800000FF; }
uint32_t offset_of(uint32_t unit) { return unit >> 10 << ((unit & 1u << 9) >> 6); }

}  // namespace

Result<Charsmap> Charsmap::parse(std::string_view blob, const std::string& where) {
  Charsmap map;
  if (blob.empty()) return map;
  const auto bad = [&](const std::string& what) { return Error{ErrorCode::kInvalidArgument, where + ": " + what}; };
  uint32_t bytes = 0;
  if (blob.size() <= sizeof bytes) return bad("expected more than 4 bytes, got " + std::to_string(blob.size()));
  std::memcpy(&bytes, blob.data(), sizeof bytes);
  blob.remove_prefix(sizeof bytes);
  if (bytes == 0 || bytes % sizeof(uint32_t) != 0 || bytes >= blob.size())
    return bad("the table says that it takes " + std::to_string(bytes) + " of " + std::to_string(blob.size()) +
               " bytes");
  map.units_.resize(bytes / sizeof(uint32_t));
  std::memcpy(map.units_.data(), blob.data(), bytes);
  map.replacements_ = blob.substr(bytes);
  if (map.replacements_.back() != '\0') return bad("expected a zero at the end of the replacements");
  return map;
}

Charsmap::Found Charsmap::find(std::string_view text, bool first) const {
  Found found;
  if (units_.empty()) return found;
  uint32_t node = offset_of(units_[0]);
  for (size_t i = 0; i < text.size() && text[i] != '\0'; ++i) {
    const uint8_t byte = static_cast<uint8_t>(text[i]);
    node ^= byte;
    if (node >= units_.size() || label_of(units_[node]) != byte) break;
    const uint32_t unit = units_[node];
    node ^= offset_of(unit);
    if (!has_value(unit) || node >= units_.size()) continue;
    const uint32_t value = value_of(units_[node]);
    if (value >= replacements_.size()) continue;
    found = {i + 1, replacement_at(value)};
    if (first) break;
  }
  return found;
}

std::string_view Charsmap::replacement_at(uint32_t offset) const {
  return {replacements_.data() + offset, std::strlen(replacements_.data() + offset)};
}

}  // namespace maru::text
