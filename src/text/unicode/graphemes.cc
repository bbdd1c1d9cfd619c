#include "text/unicode/graphemes.h"

#include <unicode/uchar.h>

#include "base/utf8.h"


namespace maru::text {
namespace {

/// Remembers what the rules ask about the characters before a place.
class Cluster {
 public:
  /// Whether `c` goes on with the cluster of the characters before it; takes it in either way.
  bool joins(char32_t c) {
    const auto kind = static_cast<UGraphemeClusterBreak>(
        u_getIntPropertyValue(static_cast<UChar32>(c), UCHAR_GRAPHEME_CLUSTER_BREAK));
    const bool pictograph = u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_EXTENDED_PICTOGRAPHIC);
    const bool joined = begun_ && rule(kind, pictograph);
    emoji_zwj_ = emoji_ && kind == U_GCB_ZWJ;
    emoji_ = pictograph || (emoji_ && kind == U_GCB_EXTEND);
    odd_flags_ = kind == U_GCB_REGIONAL_INDICATOR && !(joined && odd_flags_);
    last_ = kind;
    begun_ = true;
    return joined;
  }
  void reset() { *this = Cluster(); }

 private:
  static bool control(UGraphemeClusterBreak kind) {
    return kind == U_GCB_CONTROL || kind == U_GCB_CR || kind == U_GCB_LF;
  }
  bool hangul(UGraphemeClusterBreak kind) const {
    if (last_ == U_GCB_L) return kind == U_GCB_L || kind == U_GCB_V || kind == U_GCB_LV || kind == U_GCB_LVT;
    if (last_ == U_GCB_LV || last_ == U_GCB_V) return kind == U_GCB_V || kind == U_GCB_T;
    return (last_ == U_GCB_LVT || last_ == U_GCB_T) && kind == U_GCB_T;
  }
  bool rule(UGraphemeClusterBreak kind, bool pictograph) const {
    if (last_ == U_GCB_CR && kind == U_GCB_LF) return true;
    if (control(last_) || control(kind)) return false;
    if (kind == U_GCB_EXTEND || kind == U_GCB_ZWJ || kind == U_GCB_SPACING_MARK || last_ == U_GCB_PREPEND) return true;
    return hangul(kind) || (emoji_zwj_ && pictograph) || (odd_flags_ && kind == U_GCB_REGIONAL_INDICATOR);
  }
  UGraphemeClusterBreak last_ = U_GCB_OTHER;
  bool begun_ = false, emoji_ = false, emoji_zwj_ = false, odd_flags_ = false;
};

}  // namespace

void each_grapheme(std::string_view text, PieceSink sink) {
  const char *begin = text.data(), *const end = begin + text.size();
  Cluster cluster;
  const auto cut = [&](const char* at) {
    if (at > begin) sink({begin, static_cast<size_t>(at - begin)});
    begin = at;
  };
  for (const char* p = begin; p < end;) {
    const Decoded d = decode_utf8(p, end);
    const bool valid = d.code_point != kInvalidCodePoint;
    if (!valid) cluster.reset();
    if (!valid || !cluster.joins(d.code_point)) cut(p);
    p += d.length;
  }
  cut(end);
}

}  // namespace maru::text
