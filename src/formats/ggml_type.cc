#include "formats/ggml_type.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace maru::formats {
namespace {

constexpr std::array<GgmlLayout, 34> kLayouts{{
    {0, "F32", 1, 4},         {1, "F16", 1, 2},         {2, "Q4_0", 32, 18},      {3, "Q4_1", 32, 20},
    {6, "Q5_0", 32, 22},      {7, "Q5_1", 32, 24},      {8, "Q8_0", 32, 34},      {9, "Q8_1", 32, 40},
    {10, "Q2_K", 256, 84},    {11, "Q3_K", 256, 110},   {12, "Q4_K", 256, 144},   {13, "Q5_K", 256, 176},
    {14, "Q6_K", 256, 210},   {15, "Q8_K", 256, 292},   {16, "IQ2_XXS", 256, 66}, {17, "IQ2_XS", 256, 74},
    {18, "IQ3_XXS", 256, 98}, {19, "IQ1_S", 256, 50},   {20, "IQ4_NL", 32, 18},   {21, "IQ3_S", 256, 110},
    {22, "IQ2_S", 256, 82},   {23, "IQ4_XS", 256, 136}, {24, "I8", 1, 1},         {25, "I16", 1, 2},
    {26, "I32", 1, 4},        {27, "I64", 1, 8},        {28, "F64", 1, 8},        {29, "IQ1_M", 256, 56},
    {30, "BF16", 1, 2},       {34, "TQ1_0", 256, 54},   {35, "TQ2_0", 256, 66},   {39, "MXFP4", 32, 17},
    {40, "NVFP4", 64, 36},    {41, "Q1_0", 128, 18},
}};

bool same_letters(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

}  // namespace

const GgmlLayout* layout_of(uint32_t type) {
  const auto it = std::find_if(kLayouts.begin(), kLayouts.end(), [&](const GgmlLayout& l) { return l.type == type; });
  return it == kLayouts.end() ? nullptr : &*it;
}

std::optional<GgmlType> ggml_type_named(std::string_view name) {
  for (const GgmlLayout& layout : kLayouts)
    if (same_letters(layout.name, name)) return static_cast<GgmlType>(layout.type);
  return std::nullopt;
}

std::optional<uint64_t> bytes_of(const GgmlLayout& layout, uint64_t elements) {
  const auto block = static_cast<uint64_t>(layout.block_elements);
  uint64_t bytes = 0;
  if (elements % block != 0 ||
      __builtin_mul_overflow(elements / block, static_cast<uint64_t>(layout.block_bytes), &bytes))
    return std::nullopt;
  return bytes;
}

}  // namespace maru::formats
