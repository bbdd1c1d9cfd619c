#include "data/split.h"

#include <algorithm>

namespace maru::data {
namespace {

constexpr double kTooLittle = 0.1, kTooMuch = 5;  // times what is wanted
constexpr uint64_t kCoarse = 4;                   // as many bytes as wanted may stand behind the last paragraphs
constexpr double kMost = 2.0 / 3;                 // of all text

std::vector<bool> choose(std::span<const SplitCandidate> documents, double fraction) {
  std::vector<bool> chosen(documents.size());
  if (documents.size() < 2) return chosen;
  size_t lowest = 0, highest = 0;
  for (size_t k = 0; k < documents.size(); ++k) {
    chosen[k] = documents[k].draw < fraction;
    if (documents[k].draw < documents[lowest].draw) lowest = k;
    if (documents[k].draw > documents[highest].draw) highest = k;
  }
  chosen[lowest] = true;
  if (highest != lowest) chosen[highest] = false;
  return chosen;
}

// The nearest place to text.size() - bytes that stands behind `mark`, in the last three quarters of the text and with
// something on both sides of it.
std::optional<size_t> nearest_behind(std::string_view text, std::string_view mark, uint64_t bytes) {
  const size_t wanted = text.size() - std::min<uint64_t>(bytes, text.size());
  std::optional<size_t> best;
  const auto distance = [&](size_t at) { return at > wanted ? at - wanted : wanted - at; };
  for (size_t at = text.find(mark); at != std::string_view::npos; at = text.find(mark, at + mark.size())) {
    const size_t behind = at + mark.size();
    if (behind < text.size() / 4 || text.find_first_not_of('\n') >= at ||
        text.find_first_not_of('\n', behind) == std::string_view::npos)
      continue;
    if (!best || distance(behind) < distance(*best)) best = behind;
  }
  return best;
}

}  // namespace

SplitPlan plan_split(std::span<const SplitCandidate> documents, double fraction) {
  SplitPlan plan{.held_out = std::vector<bool>(documents.size()), .cut = std::nullopt};
  if (fraction == 0 || documents.empty()) return plan;
  plan.held_out = choose(documents, fraction);
  size_t longest = 0;
  double total = 0, held_out = 0;
  for (size_t k = 0; k < documents.size(); ++k) {
    if (documents[k].bytes > documents[longest].bytes) longest = k;
    total += static_cast<double>(documents[k].bytes);
    if (plan.held_out[k]) held_out += static_cast<double>(documents[k].bytes);
  }
  const double wanted = fraction * total;
  if (held_out >= kTooLittle * wanted && held_out <= std::max(kTooMuch * wanted, kMost * total)) return plan;
  if (plan.held_out[longest]) held_out -= static_cast<double>(documents[longest].bytes);
  plan.held_out[longest] = false;
  plan.cut = longest;
  plan.cut_bytes = static_cast<uint64_t>(std::max(1.0, wanted - held_out));
  return plan;
}

std::optional<size_t> cut_position(std::string_view text, uint64_t bytes) {
  const auto paragraph = nearest_behind(text, "\n\n", bytes);
  if (paragraph && text.size() - *paragraph <= kCoarse * bytes) return paragraph;
  return nearest_behind(text, "\n", bytes);
}

}  // namespace maru::data
