#include "data/blocks.h"

#include "base/utf8.h"


namespace maru::data {
namespace {

bool is_dense_script(char32_t c) {  // Hangul, kana, Han
  return (c >= 0x1100 && c <= 0x11FF) || (c >= 0x3040 && c <= 0x9FFF) || (c >= 0xAC00 && c <= 0xD7A3) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x20000 && c <= 0x3FFFF);
}

bool is_unspaced_alphabet(char32_t c) {  // Thai, Lao, Myanmar, Khmer
  return (c >= 0x0E00 && c <= 0x0EFF) || (c >= 0x1000 && c <= 0x109F) || (c >= 0x1780 && c <= 0x17FF);
}

// "- " behind "3. ", or another "1. ", on the same level begins another list.
bool is_same_list(const Block& before, const Block& after) {
  return before.level != after.level || ((before.marker == "- ") == (after.marker == "- ") && after.marker != "1. ");
}

bool belongs_together(const Block& before, const Block& after) {
  if (before.kind != after.kind) return false;
  return after.kind == BlockKind::kRow || (after.kind == BlockKind::kItem && is_same_list(before, after));
}

void append_block(std::string& to, const Block& block) {
  switch (block.kind) {
    case BlockKind::kHeading: to += std::string(static_cast<size_t>(block.level), '#') + " " + block.text; break;
    case BlockKind::kItem:
      to +=
          std::string(2 * static_cast<size_t>(block.level > 0 ? block.level - 1 : 0), ' ') + block.marker + block.text;
      break;
    case BlockKind::kCode: to += "```\n" + block.text + "\n```"; break;
    case BlockKind::kParagraph:
    case BlockKind::kRow: to += block.text; break;
  }
}

}  // namespace

double words_in(std::string_view text) {
  double words = 0;
  bool inside = false;  // a run of other letters, which counts once
  for (const char *p = text.data(), *end = p + text.size(); p < end;) {
    const Decoded d = decode_utf8(p, end);
    p += d.length;
    const char32_t c = d.code_point;
    const bool dense = is_dense_script(c), unspaced = is_unspaced_alphabet(c);
    words += dense ? 0.4 : unspaced ? 0.2 : 0;
    const bool letter =
        !dense && !unspaced &&
        ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= 0xC0 && c < 0x2000));
    words += letter && !inside;
    inside = letter;
  }
  return words;
}

std::string render(const std::vector<Block>& blocks) {
  std::string text;
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (i > 0) text += belongs_together(blocks[i - 1], blocks[i]) ? "\n" : "\n\n";
    append_block(text, blocks[i]);
  }
  return text;
}

}  // namespace maru::data
