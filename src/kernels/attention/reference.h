// Attention in its plainest form, on the same pages.
#pragma once
#include <algorithm>
#include <cmath>
#include <complex>
#include <vector>

#include "kernels/attention/attention.h"

namespace maru::kernels::reference {

template <class T>
void append_keys(const AppendKeys<T>& a) {
  const AttentionShape& s = a.shape;
  for (int64_t i = 0; i < a.num_spans; ++i)
    for (int64_t r = 0; r < a.spans[i].rows; ++r) {
      const AttentionSpan& span = a.spans[i];
      const int64_t row = span.first_row + r, at = (span.past + r) % kPageTokens;
      T* page = a.pages.page(span, (span.past + r) / kPageTokens);
      if (at == 0) std::fill_n(page, page_elements(s.kv_heads, s.head_dim), T(0));
      for (int64_t c = 0; c < s.kv_heads * s.head_dim; ++c) {
        const int64_t head = c / s.head_dim, d = c % s.head_dim;
        page[c * kPageTokens + at] = a.k[row * a.k_stride + c];
        page[((s.kv_heads + head) * kPageTokens + at) * s.head_dim + d] = a.v[row * a.v_stride + c];
      }
    }
}

template <class T>
T capped(const AttentionShape& s, T score) {
  return s.softcap == 0 ? score : T(s.softcap) * std::tanh(score / T(s.softcap));
}

/// One query and the keys and values it sees, as functions of (key, d).
template <class T, class Key, class Value>
T attend(const AttentionShape& s, const T* q, int64_t keys, Key key, Value value, T* out) {
  std::vector<T> weight(static_cast<size_t>(keys), T(0));
  double top = -INFINITY;
  for (int64_t j = 0; j < keys; ++j) {
    for (int64_t d = 0; d < s.head_dim; ++d) weight[j] += q[d] * key(j, d) * T(s.scale);
    weight[j] = capped(s, weight[j]);
    top = std::max(top, std::real(weight[j]));
  }
  T sum = 0;
  for (T& w : weight) sum += w = std::exp(w - T(top));
  for (int64_t d = 0; d < s.head_dim; ++d) {
    out[d] = 0;
    for (int64_t j = 0; j < keys; ++j) out[d] += weight[j] / sum * value(j, d);
  }
  return T(top) + std::log(sum);
}

template <class T>
void attention_forward(const AttentionForward<T>& a) {
  const AttentionShape& s = a.shape;
  for (int64_t i = 0; i < a.num_spans; ++i)
    for (int64_t r = 0; r < a.spans[i].rows; ++r)
      for (int64_t h = 0; h < s.heads; ++h) {
        const AttentionSpan& span = a.spans[i];
        const int64_t row = span.first_row + r, head = h * s.kv_heads / s.heads;
        const int64_t begin = first_key_seen(s, span.past + r);
        auto key = [&](int64_t i, int64_t d) {
          const int64_t j = begin + i;
          return a.pages.page(span, j / kPageTokens)[(head * s.head_dim + d) * kPageTokens + j % kPageTokens];
        };
        auto value = [&](int64_t i, int64_t d) {
          const int64_t j = begin + i;
          return a.pages.page(span,
                              j / kPageTokens)[((s.kv_heads + head) * kPageTokens + j % kPageTokens) * s.head_dim + d];
        };
        const int64_t keys = span.past + (s.causal ? r + 1 : span.rows) - begin;
        const T lse = attend(s, a.q + row * a.q_stride + h * s.head_dim, keys, key, value,
                             a.out + row * a.out_stride + h * s.head_dim);
        if (a.lse != nullptr) a.lse[row * s.heads + h] = lse;
      }
}

template <class T>
T dot(const T* a, const T* b, int64_t n) {
  T sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

/// What one query's gradient adds to dq and to dk and dv of every key it sees.
template <class T>
void backward_query(const AttentionBackward<T>& a, int64_t first, int64_t row, int64_t last, int64_t h) {
  const AttentionShape& s = a.shape;
  const int64_t n = s.head_dim, q_at = h * n, k_at = h * s.kv_heads / s.heads * n;
  const T *q = a.q + row * a.q_stride + q_at, *dout = a.dout + row * a.dout_stride + q_at;
  T* dq = a.dq + row * a.dq_stride + q_at;
  const T delta = dot(dout, a.out + row * a.out_stride + q_at, n);
  for (int64_t j = first; j < last; ++j) {
    const T *k = a.k + j * a.k_stride + k_at, *v = a.v + j * a.v_stride + k_at;
    const T score = capped(s, T(s.scale) * dot(q, k, n));
    const T slope = s.softcap == 0 ? T(1) : T(1) - score * score / T(s.softcap * s.softcap);
    const T weight = std::exp(score - a.lse[row * s.heads + h]);
    const T dscore = weight * (dot(dout, v, n) - delta) * slope * T(s.scale);
    for (int64_t d = 0; d < n; ++d) {
      dq[d] += dscore * k[d];
      a.dk[j * a.dk_stride + k_at + d] += dscore * q[d];
      a.dv[j * a.dv_stride + k_at + d] += weight * dout[d];
    }
  }
}

template <class T>
void attention_backward(const AttentionBackward<T>& a) {
  const AttentionShape& s = a.shape;
  for (int64_t i = 0; i < a.num_spans; ++i) {
    const int64_t first = a.spans[i].first_row, end = first + a.spans[i].rows;
    for (int64_t row = first; row < end; ++row) {
      if (!a.add_dq) std::fill_n(a.dq + row * a.dq_stride, s.heads * s.head_dim, T(0));
      if (!a.add_dk) std::fill_n(a.dk + row * a.dk_stride, s.kv_heads * s.head_dim, T(0));
      if (!a.add_dv) std::fill_n(a.dv + row * a.dv_stride, s.kv_heads * s.head_dim, T(0));
    }
    for (int64_t row = first; row < end; ++row)
      for (int64_t h = 0; h < s.heads; ++h)
        backward_query(a, first + first_key_seen(s, row - first), row, s.causal ? row + 1 : end, h);
  }
}

}  // namespace maru::kernels::reference
