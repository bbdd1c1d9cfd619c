// Finding one text in another within a render.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "text/chat/jinja/runtime.h"

namespace maru::text::jinja {

/// Goes through the occurrences of `part` in `text`, first to last or last to first; none overlaps the one before.
///
/// Cost     grows with the sum of both lengths, whatever they hold, and is counted here for all calls of next().
/// Source   Knuth, Morris and Pratt (1977), "Fast pattern matching in strings", with a jump to the next byte that can
///          begin an occurrence.
class Search {
 public:
  static constexpr size_t kNone = std::string_view::npos;
  enum class From : uint8_t { kBegin, kEnd };
  /// `text` and `part`, which is not empty unless text is only asked whether it is there, must outlive this.
  Search(Runtime& runtime, std::string_view text, std::string_view part, From from = From::kBegin);
  /// Where the next occurrence begins; kNone: there are no more.
  size_t next();

 private:
  template <bool from_end>
  size_t scan();
  template <bool from_end>
  void find_borders();
  const std::string_view text_, part_;
  const bool from_end_;
  Held held_;
  std::vector<uint32_t> borders_;  // of every beginning of `part`: its longest end that is also its beginning
  size_t at_ = 0;                  // bytes behind us, from where the search began
};

}  // namespace maru::text::jinja
