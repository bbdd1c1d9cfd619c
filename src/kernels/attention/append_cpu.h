// Keys and values into pages. Included by cpu.cc only.
#pragma once
#include "kernels/attention/int8_pages.h"
#include "kernels/attention/tiles.h"

namespace maru::kernels {
namespace {

constexpr int64_t kMaxAppendSlices = 8;

/// Tokens of a span that lie in one page: columns [first, last) of the page, from row `row` of k and v.
struct PageRows {
  int64_t first, last, row;
};

PageRows rows_in_page(const AttentionSpan& span, int64_t page) {
  const int64_t begin = page * kPageTokens, end = begin + kPageTokens, total = span.past + span.rows;
  const int64_t from = begin > span.past ? begin : span.past, to = end < total ? end : total;
  return {from - begin, to - begin, span.first_row + from - span.past};
}

template <class T>
void append_page(const AppendKeys<T>& a, T* page, const PageRows& rows) {
  const AttentionShape& s = a.shape;
  const bool whole = rows.last - rows.first == kPageTokens;
  if (rows.first == 0 && !whole)
    __builtin_memset(page, 0, static_cast<size_t>(page_elements(s.kv_heads, s.head_dim)) * sizeof(T));
  const int64_t head_elements = kPageTokens * s.head_dim;
  for (int64_t h = 0; h < s.kv_heads; ++h) {
    Word* keys = reinterpret_cast<Word*>(page + h * head_elements);
    Word* values = reinterpret_cast<Word*>(page + (s.kv_heads + h) * head_elements);
    const T *k = a.k + rows.row * a.k_stride + h * s.head_dim, *v = a.v + rows.row * a.v_stride + h * s.head_dim;
    pack_columns(keys, kPageTokens, k, a.k_stride, rows.first, rows.last, s.head_dim);
    pack_rows(values, v, a.v_stride, rows.first, rows.last, s.head_dim);
  }
}

template <class T>
void append_int8_page(const AppendKeys<T>& a, T* memory, const PageRows& rows) {
  const AttentionShape& s = a.shape;
  const Int8Page<T> page{s, reinterpret_cast<std::byte*>(memory)};
  if (rows.first == 0 && rows.last - rows.first != kPageTokens)
    __builtin_memset(memory, 0, static_cast<size_t>(int8_page_bytes(s.kv_heads, s.head_dim)));
  for (int64_t t = rows.first; t < rows.last; ++t)
    for (int64_t h = 0; h < s.kv_heads; ++h) {
      const int64_t row = rows.row + t - rows.first;
      quantize_token(page, h, t, a.k + row * a.k_stride + h * s.head_dim, a.v + row * a.v_stride + h * s.head_dim);
    }
}

/// A task writes every slices-th page of one span.
template <class T>
void append(ThreadPool& pool, const AppendKeys<T>& a) {
  int64_t slices = 1;
  for (int64_t i = 0; i < a.num_spans; ++i) {
    const int64_t pages = divide_up(a.spans[i].rows, kPageTokens);
    slices = pages > slices ? pages : slices;
  }
  slices = slices < kMaxAppendSlices ? slices : kMaxAppendSlices;
  pool.parallel_for(a.num_spans * slices, [&](int64_t task, int) {
    const AttentionSpan& span = a.spans[task / slices];
    if (span.rows == 0) return;
    const int64_t last = (span.past + span.rows - 1) / kPageTokens;
    for (int64_t page = span.past / kPageTokens + task % slices; page <= last; page += slices)
      (a.shape.int8_pages ? append_int8_page<T> : append_page<T>)(a, a.pages.page(span, page),
                                                                  rows_in_page(span, page));
  });
}

}  // namespace
}  // namespace maru::kernels
