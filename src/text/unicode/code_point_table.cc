#include "text/unicode/code_point_table.h"

#include <map>

#include "base/error.h"

namespace maru::text {

CodePointTable::CodePointTable(const std::vector<uint8_t>& values) {
  CHECK(values.size() == kCodePoints);
  std::map<std::string_view, uint16_t> known;
  for (size_t begin = 0; begin < kCodePoints; begin += 256) {
    const std::string_view block(reinterpret_cast<const char*>(values.data()) + begin, 256);
    const auto [it, fresh] = known.emplace(block, static_cast<uint16_t>(blocks_.size() >> 8));
    if (fresh) blocks_.insert(blocks_.end(), block.begin(), block.end());
    stage_.push_back(it->second);
  }
}

}  // namespace maru::text
