#include "api/openai/responses/truncation.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace maru::api::openai {
namespace {

bool is_of(const Json& item, const char* role) { return item["type"] == "message" && item["role"] == role; }

/// Where a conversation may begin, besides its own beginning.
std::vector<size_t> beginnings(const Json& items) {
  std::vector<size_t> found;
  bool any = false;  // before it, of what may be left out
  for (size_t i = 0; i < items.size(); ++i) {
    if (any && is_of(items[i], "user")) found.push_back(i);
    any |= !is_of(items[i], "system") && !is_of(items[i], "developer");
  }
  return found;
}

Json from(const Json& items, size_t begin) {
  Json kept = Json::array();
  for (size_t i = 0; i < items.size(); ++i)
    if (i >= begin || is_of(items[i], "system") || is_of(items[i], "developer")) kept.push_back(items[i]);
  return kept;
}

}  // namespace

int64_t room_for_answer(std::optional<int64_t> wanted, int64_t max_context) {
  return std::max<int64_t>(1, wanted ? std::min(*wanted, max_context / 2) : max_context / 8);
}

Json cut_to_fit(const Json& items, const std::function<bool(const Json&)>& fits, size_t& left_out) {
  left_out = 0;
  const std::vector<size_t> begins = beginnings(items);
  if (begins.empty() || fits(items)) return items;
  size_t low = 0, high = begins.size() - 1;  // the last is kept whatever it takes
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (fits(from(items, begins[middle])))
      high = middle;
    else
      low = middle + 1;
  }
  Json kept = from(items, begins[high]);
  left_out = items.size() - kept.size();
  return kept;
}

}  // namespace maru::api::openai
