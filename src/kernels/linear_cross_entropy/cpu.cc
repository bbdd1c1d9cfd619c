// Linear layer and cross entropy, SIMD around matrix products. Compiled once per instruction set.
#include "kernels/activation/functions.h"
#include "kernels/linear_cross_entropy/linear_cross_entropy.h"
#include "kernels/matmul/matmul.h"
#include "kernels/simd/simd.h"
#include "kernels/simd/softmax.h"

namespace maru::kernels {
namespace {

// Rows of logits at a time. Fewer rows read weight and dweight more often, more rows need more scratch; 512 rows
// balance the traffic of the logits against that of dweight at usual sizes.
constexpr int64_t kChunkRows = 512;

int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
int64_t aligned(int64_t bytes) { return divide_up(bytes, 64) * 64; }

// Where the parts of the scratch begin.
struct Layout {
  int64_t row_floats;  // from one row of logits to the next
  int64_t packed, packed_for_dx, losses, matmul, end;
};

template <class T>
Layout layout_of(int threads, int64_t rows, int64_t vocab, int64_t dim, bool gradients) {
  const int64_t chunk = smaller(rows, kChunkRows);
  Layout at;
  at.row_floats = divide_up(vocab, 16) * 16;
  at.packed = aligned(chunk * at.row_floats * static_cast<int64_t>(sizeof(float)));
  at.packed_for_dx = at.packed + aligned(matmul_packed_bytes<kIsa, T>(vocab, dim));
  at.losses = at.packed_for_dx + (gradients ? aligned(matmul_packed_bytes<kIsa, T>(dim, vocab)) : 0);
  at.matmul = at.losses + aligned(chunk * static_cast<int64_t>(sizeof(float)));
  int64_t most = matmul_scratch_bytes<kIsa, T>(threads, chunk, vocab, dim);
  most = larger(most, matmul_scratch_bytes<kIsa, T>(threads, chunk, dim, vocab));
  most = larger(most, matmul_scratch_bytes<kIsa, T>(threads, vocab, dim, chunk));
  // The last chunk is cut differently.
  const int64_t rest = rows % kChunkRows;
  most = larger(most, matmul_scratch_bytes<kIsa, T>(threads, rest, vocab, dim));
  most = larger(most, matmul_scratch_bytes<kIsa, T>(threads, rest, dim, vocab));
  most = larger(most, matmul_scratch_bytes<kIsa, T>(threads, vocab, dim, rest));
  at.end = at.matmul + most;
  return at;
}

// x = exp(scale · x - largest); returns the sum.
float exponentials(float* x, int64_t n, float scale, float largest) {
  F32 sum;
  for_lanes(n, [&](int64_t i, int64_t count) {
    store(x + i, exp(fma(load(x + i, count), F32(scale), F32(-largest))), count);
    sum = sum + load(x + i, count);
  });
  return reduce_add(sum);
}

// x = cap · tanh(scale · x / cap).
void cap_logits(float* x, int64_t n, float scale, float cap) {
  const F32 scale_over_cap(scale / cap);
  for_lanes(n, [&](int64_t i, int64_t count) {
    store(x + i, F32(cap) * Tanh::value(load(x + i, count) * scale_over_cap), count);
  });
}

// Writes f(x) as T over x: a bfloat16 never lies behind the float that it is made from.
template <class T, class F>
void replace_in_place(float* x, int64_t n, const F& f) {
  for_lanes(n, [&](int64_t i, int64_t count) {
    T part[kLanes];
    store(part, f(load(x + i, count)));
    __builtin_memcpy(reinterpret_cast<std::byte*>(x) + i * static_cast<int64_t>(sizeof(T)), part,
                     static_cast<size_t>(count) * sizeof(T));
  });
}

MARU_INLINE void round_to(float value, float* x) { *x = value; }
MARU_INLINE void round_to(float value, bfloat16* x) { *x = to_bfloat16(value); }

// Of either struct.
double row_weight(const auto& x, int64_t row) {
  return x.row_weights != nullptr ? static_cast<double>(x.row_weights[row]) : 1;
}

template <class T>
class Job {
 public:
  Job(ThreadPool& pool, const LinearCrossEntropy<T>& x)
      : pool_(pool), x_(x), at_(layout_of<T>(pool.size(), x.rows, x.vocab, x.dim, gradients())) {}

  void run() {
    pack();
    double sum = 0;
    for (int64_t first = 0; first < x_.rows; first += kChunkRows)
      sum += chunk(first, smaller(kChunkRows, x_.rows - first));
    *x_.loss += static_cast<float>(sum * x_.scale);
  }

 private:
  bool gradients() const { return x_.dx != nullptr || x_.dweight != nullptr; }
  float* logits() const { return reinterpret_cast<float*>(x_.scratch); }
  float* losses() const { return reinterpret_cast<float*>(x_.scratch + at_.losses); }
  // Gradients of logits, over the logits.
  const T* dlogits() const { return reinterpret_cast<const T*>(x_.scratch); }
  int64_t dlogits_ld() const { return at_.row_floats * static_cast<int64_t>(sizeof(float) / sizeof(T)); }

  void pack() {
    matmul_pack<kIsa>(pool_, MatmulPack<T>{.packed = x_.scratch + at_.packed,
                                           .b = x_.weight,
                                           .ldb = x_.dim,
                                           .transpose_b = true,
                                           .n = x_.vocab,
                                           .k = x_.dim});
    if (x_.dx == nullptr) return;
    matmul_pack<kIsa>(pool_, MatmulPack<T>{.packed = x_.scratch + at_.packed_for_dx,
                                           .b = x_.weight,
                                           .ldb = x_.dim,
                                           .transpose_b = false,
                                           .n = x_.dim,
                                           .k = x_.vocab});
  }

  double chunk(int64_t first, int64_t rows) {
    multiply_logits(first, rows);
    const int64_t step = rows_per_task(x_.vocab);
    pool_.parallel_for(divide_up(rows, step), [&](int64_t task, int) {
      for (int64_t r = task * step; r < smaller(rows, (task + 1) * step); ++r) losses()[r] = row(first, r);
    });
    if (x_.dx != nullptr) multiply_dx(first, rows);
    if (x_.dweight != nullptr) multiply_dweight(first, rows);
    double sum = 0;
    for (int64_t r = 0; r < rows; ++r) sum += static_cast<double>(losses()[r]) * row_weight(x_, first + r);
    if (x_.token_loss != nullptr)
      __builtin_memcpy(x_.token_loss + first, losses(), static_cast<size_t>(rows) * sizeof(float));
    return sum;
  }

  // The loss of a row; its logits become their gradients.
  float row(int64_t first, int64_t r) const {
    float* x = logits() + r * at_.row_floats;
    const int32_t target = x_.targets[first + r];
    if (target < 0) {
      __builtin_memset(x, 0, static_cast<size_t>(at_.row_floats) * sizeof(float));
      return 0;
    }
    const auto gradient = static_cast<float>(x_.scale * x_.logit_scale * row_weight(x_, first + r));
    if (x_.softcap != 0) return capped_row(x, target, gradient);
    const float scale = static_cast<float>(x_.logit_scale), target_logit = x[target] * scale;
    const float largest = scaled_maximum(x, x_.vocab, scale), sum = exponentials(x, x_.vocab, scale, largest);
    if (gradients()) write_gradients(x, target, sum, gradient);
    return __builtin_logf(sum) + (largest - target_logit);
  }

  // `gradient`: of the row's loss, times what a logit is times the product.
  void write_gradients(float* x, int32_t target, float sum, float gradient) const {
    const float probability = x[target] / sum;
    const F32 factor(gradient / sum);
    replace_in_place<T>(x, x_.vocab, [&](F32 e) { return e * factor; });
    write_at_target(x, target, (probability - 1) * gradient);
  }

  static void write_at_target(float* x, int32_t target, float gradient) {
    T at_target;
    round_to(gradient, &at_target);
    __builtin_memcpy(reinterpret_cast<std::byte*>(x) + target * sizeof(T), &at_target, sizeof(T));
  }

  // The same with a soft cap, whose slopes need the capped logits until their gradients take their places.
  float capped_row(float* x, int32_t target, float gradient) const {
    const float cap = static_cast<float>(x_.softcap);
    cap_logits(x, x_.vocab, static_cast<float>(x_.logit_scale), cap);
    const float largest = scaled_maximum(x, x_.vocab, 1), sum = sum_of_exponentials(x, x_.vocab, 1, largest);
    const float target_logit = x[target], loss = __builtin_logf(sum) + (largest - target_logit);
    if (!gradients()) return loss;
    const F32 factor(gradient / sum), inverse_cap(1 / cap);
    replace_in_place<T>(x, x_.vocab, [&](F32 logit) {
      const F32 part = logit * inverse_cap;
      return exp(logit - F32(largest)) * factor * fma(F32() - part, part, F32(1.0f));
    });
    const float part = target_logit / cap;
    write_at_target(x, target, __builtin_expm1f(-loss) * gradient * (1 - part * part));
    return loss;
  }

  void multiply_logits(int64_t first, int64_t rows) {
    matmul<kIsa>(pool_, Matmul<T, float>{.c = logits(),
                                         .ldc = at_.row_floats,
                                         .a = x_.x + first * x_.dim,
                                         .lda = x_.dim,
                                         .packed_b = x_.scratch + at_.packed,
                                         .m = rows,
                                         .n = x_.vocab,
                                         .k = x_.dim,
                                         .scratch = x_.scratch + at_.matmul});
  }
  void multiply_dx(int64_t first, int64_t rows) {
    matmul<kIsa>(pool_, Matmul<T, T>{.c = x_.dx + first * x_.dim,
                                     .ldc = x_.dim,
                                     .a = dlogits(),
                                     .lda = dlogits_ld(),
                                     .packed_b = x_.scratch + at_.packed_for_dx,
                                     .m = rows,
                                     .n = x_.dim,
                                     .k = x_.vocab,
                                     .add = x_.add_dx,
                                     .scratch = x_.scratch + at_.matmul});
  }
  void multiply_dweight(int64_t first, int64_t rows) {
    matmul<kIsa>(pool_, Matmul<T, float>{.c = x_.dweight,
                                         .ldc = x_.dim,
                                         .a = dlogits(),
                                         .lda = dlogits_ld(),
                                         .transpose_a = true,
                                         .b = x_.x + first * x_.dim,
                                         .ldb = x_.dim,
                                         .m = x_.vocab,
                                         .n = x_.dim,
                                         .k = rows,
                                         .add = true,
                                         .scratch = x_.scratch + at_.matmul});
  }

  ThreadPool& pool_;
  const LinearCrossEntropy<T>& x_;
  Layout at_;
};

}  // namespace

template <>
void linear_cross_entropy<kIsa>(ThreadPool& pool, const LinearCrossEntropy<float>& x) {
  Job<float>(pool, x).run();
}
template <>
void linear_cross_entropy<kIsa>(ThreadPool& pool, const LinearCrossEntropy<bfloat16>& x) {
  Job<bfloat16>(pool, x).run();
}
template <>
int64_t linear_cross_entropy_scratch_bytes<kIsa, float>(int threads, int64_t rows, int64_t vocab, int64_t dim,
                                                        bool gradients) {
  return layout_of<float>(threads, rows, vocab, dim, gradients).end;
}
template <>
int64_t linear_cross_entropy_scratch_bytes<kIsa, bfloat16>(int threads, int64_t rows, int64_t vocab, int64_t dim,
                                                           bool gradients) {
  return layout_of<bfloat16>(threads, rows, vocab, dim, gradients).end;
}
template <>
void cross_entropy<kIsa>(ThreadPool& pool, const CrossEntropy<float>& a) {
  const int64_t step = rows_per_task(a.vocab);
  pool.parallel_for(divide_up(a.rows, step), [&](int64_t task, int) {
    for (int64_t r = task * step; r < smaller(a.rows, (task + 1) * step); ++r) {
      const float* x = a.logits + r * a.vocab;
      const float largest = a.targets[r] < 0 ? 0 : scaled_maximum(x, a.vocab, 1);
      a.token_loss[r] = a.targets[r] < 0
                            ? 0
                            : __builtin_logf(sum_of_exponentials(x, a.vocab, 1, largest)) + (largest - x[a.targets[r]]);
    }
  });
  double sum = 0;
  for (int64_t r = 0; r < a.rows; ++r) sum += static_cast<double>(a.token_loss[r]) * row_weight(a, r);
  *a.loss += static_cast<float>(sum * a.scale);
}

}  // namespace maru::kernels
