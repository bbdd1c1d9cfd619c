// Keys and values in 8 bits: into pages, and one head of a page back. Included by cpu.cc only.
#pragma once
#include "kernels/attention/attention.h"
#include "kernels/attention/tiles.h"

namespace maru::kernels {
namespace {

/// A page as bytes. Elements of K lie [head_dim / w][64 tokens][w], those of V [64 / w][head_dim][w], w = kPerWord<T>.
template <class T>
struct Int8Page {
  const AttentionShape& shape;
  std::byte* page;

  int64_t head_elements() const { return kPageTokens * shape.head_dim; }
  int8_t* keys(int64_t head) const { return reinterpret_cast<int8_t*>(page) + head * head_elements(); }
  int8_t* values(int64_t head) const { return keys(shape.kv_heads + head); }
  float* key_scales(int64_t head) const {
    return reinterpret_cast<float*>(page + 2 * shape.kv_heads * head_elements()) + head * kPageTokens;
  }
  float* value_scales(int64_t head) const { return key_scales(shape.kv_heads + head); }
};

/// Element d of a row goes to to[at(d)]; returns the scale.
template <class T, class At>
float quantize_row(const T* row, int64_t n, int8_t* to, At at) {
  F32 greatest, nothing;
  for_lanes(n, [&](int64_t d, int64_t lanes) {
    const F32 x = load(row + d, lanes);
    greatest = max(greatest, max(x, F32() - x));
    nothing = nothing + x * F32();
  });
  const float scale = reduce_max(greatest) / 127;
  const F32 inverse(scale > 0 ? 1 / scale : 0.0f), most(127.0f);
  for_lanes(n, [&](int64_t d, int64_t lanes) {
    float part[kLanes];
    store(part, round(max(min(load(row + d, lanes) * inverse, most), F32() - most)));
    for (int64_t i = 0; i < lanes; ++i) to[at(d + i)] = static_cast<int8_t>(part[i]);
  });
  return scale + reduce_add(nothing);  // what is not finite must not look as if it were
}

/// Token `token` of a page: its key and value of one head.
template <class T>
void quantize_token(const Int8Page<T>& page, int64_t head, int64_t token, const T* k, const T* v) {
  constexpr int64_t kWord = kPerWord<T>;
  const int64_t n = page.shape.head_dim;
  page.key_scales(head)[token] = quantize_row(
      k, n, page.keys(head), [&](int64_t d) { return d / kWord * kPageTokens * kWord + token * kWord + d % kWord; });
  page.value_scales(head)[token] = quantize_row(
      v, n, page.values(head), [&](int64_t d) { return token / kWord * n * kWord + d * kWord + token % kWord; });
}

/// n elements, each times its scale.
template <class T>
MARU_INLINE void dequantize(T* to, const int8_t* from, const float* scales, int64_t n) {
  float part[kLanes] = {};
  for (int64_t i = 0; i < n; i += kLanes) {
    const int64_t lanes = smaller(n - i, kLanes);
    for (int64_t j = 0; j < lanes; ++j) part[j] = static_cast<float>(from[i + j]);
    store(to + i, load(part, lanes) * load(scales + i, lanes), lanes);
  }
}

/// Keys of one head, as a full page has them. `scales`: room for a row of them.
template <class T>
void dequantize_keys(const Int8Page<T>& page, int64_t head, float* scales, T* to) {
  constexpr int64_t kWord = kPerWord<T>;
  const int64_t row = kPageTokens * kWord;
  for (int64_t i = 0; i < row; ++i) scales[i] = page.key_scales(head)[i / kWord];
  for (int64_t d = 0; d < page.shape.head_dim / kWord; ++d)
    dequantize(to + d * row, page.keys(head) + d * row, scales, row);
}

template <class T>
void dequantize_values(const Int8Page<T>& page, int64_t head, float* scales, T* to) {
  constexpr int64_t kWord = kPerWord<T>;
  const int64_t row = page.shape.head_dim * kWord;
  for (int64_t t = 0; t < kPageTokens / kWord; ++t) {
    for (int64_t i = 0; i < row; ++i) scales[i] = page.value_scales(head)[t * kWord + i % kWord];
    dequantize(to + t * row, page.values(head) + t * row, scales, row);
  }
}

}  // namespace
}  // namespace maru::kernels
