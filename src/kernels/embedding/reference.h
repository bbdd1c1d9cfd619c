// Table lookup in its plainest form.
#pragma once
#include "kernels/embedding/embedding.h"

namespace maru::kernels::reference {

template <class T>
void embedding_forward(const EmbeddingForward<T>& a) {
  for (int64_t r = 0; r < a.rows; ++r)
    for (int64_t c = 0; c < a.cols; ++c) a.y[r * a.cols + c] = T(a.multiplier) * a.table[a.tokens[r] * a.cols + c];
}

template <class T>
void embedding_backward(const EmbeddingBackward<T>& a) {
  for (int64_t r = 0; r < a.rows; ++r)
    for (int64_t c = 0; c < a.cols; ++c) a.dtable[a.tokens[r] * a.cols + c] += T(a.multiplier) * a.dy[r * a.cols + c];
}

}  // namespace maru::kernels::reference
