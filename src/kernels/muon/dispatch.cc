#include <algorithm>
#include <cmath>

#include "kernels/add/add.h"
#include "kernels/matmul/matmul.h"
#include "kernels/muon/muon.h"
#include "kernels/muon/reference.h"
#include "kernels/reduce/reduce.h"

namespace maru::kernels {
namespace {

constexpr int64_t aligned(int64_t bytes) { return divide_up(bytes, 64) * 64; }

// The three products of a step. The Gram matrix is that of the shorter side: X·Xᵀ of a wide X, Xᵀ·X of a tall one.
struct Products {
  Matmul<float> gram, square, apply;
};

Products products_of(const NewtonSchulz<float>& a) {
  const bool tall = a.rows > a.cols;
  const int64_t s = std::min(a.rows, a.cols), t = std::max(a.rows, a.cols);
  return {.gram = {.lda = a.cols, .transpose_a = tall, .ldb = a.cols, .transpose_b = !tall, .m = s, .n = s, .k = t},
          .square = {.lda = s, .ldb = s, .m = s, .n = s, .k = s},
          .apply = {.lda = tall ? a.cols : s, .ldb = tall ? s : a.cols, .m = a.rows, .n = a.cols, .k = s, .add = true}};
}

int64_t matmul_bytes(const CpuStream& stream, const NewtonSchulz<float>& a) {
  const Products p = products_of(a);
  int64_t most = 0;
  for (const Matmul<float>& x : {p.gram, p.square, p.apply})
    most = std::max(most, matmul_scratch_bytes<float>(stream, x.m, x.n, x.k));
  return most;
}

// Where things lie in the scratch, in bytes.
struct Layout {
  int64_t other, gram, gram2, partial, matmul;
  Layout(const CpuStream& stream, int64_t rows, int64_t cols) {
    const int64_t s = std::min(rows, cols);
    other = 0;
    gram = aligned(rows * cols * 4);
    gram2 = gram + aligned(s * s * 4);
    partial = gram2 + aligned(s * s * 4);
    matmul = partial + aligned(reduce_partials(stream, rows * cols) * 8);
  }
};

void normalize(CpuStream& stream, const NewtonSchulz<float>& a, std::byte* partial) {
  const int64_t count = a.rows * a.cols;
  double squares = 0;
  sum_of_squares<float>(stream,
                        {.result = &squares, .partial = reinterpret_cast<double*>(partial), .x = a.x, .count = count});
  scale<float>(stream,
               {.y = a.x, .x = a.x, .count = count, .alpha = 1 / (std::sqrt(squares) + MuonCoefficients().floor)});
}

// One round, from x into y.
void iterate(CpuStream& stream, Products p, const float* x, float* y, float* gram, float* gram2, int64_t count) {
  const MuonCoefficients k;
  const int64_t square = p.square.m * p.square.n;
  const bool tall = p.gram.transpose_a;
  p.gram.a = p.gram.b = x;
  p.gram.c = gram;
  matmul(stream, p.gram);
  p.square.a = p.square.b = gram;
  p.square.c = gram2;
  matmul(stream, p.square);
  scale<float>(stream, {.y = gram, .x = gram, .count = square, .alpha = k.b});
  scale<float>(stream, {.y = gram, .x = gram2, .count = square, .alpha = k.c, .add = true});
  scale<float>(stream, {.y = y, .x = x, .count = count, .alpha = k.a});
  p.apply.a = tall ? x : gram;
  p.apply.b = tall ? gram : x;
  p.apply.c = y;
  matmul(stream, p.apply);
}

void orthogonalize(CpuStream& stream, const NewtonSchulz<float>& a) {
  const Layout at(stream, a.rows, a.cols);
  const auto floats = [&](int64_t offset) { return reinterpret_cast<float*>(a.scratch + offset); };
  normalize(stream, a, a.scratch + at.partial);
  Products p = products_of(a);
  p.gram.ldc = p.square.ldc = p.square.m;
  p.apply.ldc = a.cols;
  p.gram.scratch = p.square.scratch = p.apply.scratch = a.scratch + at.matmul;
  float *x = a.x, *y = floats(at.other);
  for (int step = 0; step < a.steps; ++step, std::swap(x, y))
    iterate(stream, p, x, y, floats(at.gram), floats(at.gram2), a.rows * a.cols);
  if (x != a.x) scale<float>(stream, {.y = a.x, .x = x, .count = a.rows * a.cols});
}

}  // namespace

double muon_rate(double lr, int64_t rows, int64_t cols) {
  return lr * 0.2 * std::sqrt(static_cast<double>(std::max(rows, cols)));
}

template <class A>
int64_t newton_schulz_scratch_bytes(const CpuStream& stream, int64_t rows, int64_t cols) {
  if constexpr (!kIsSimd<A>) return (rows * cols + 2 * rows * rows) * static_cast<int64_t>(sizeof(A));
  return Layout(stream, rows, cols).matmul + matmul_bytes(stream, {.rows = rows, .cols = cols});
}

template <class T>
int64_t muon_scratch_bytes(const CpuStream& stream, int64_t rows, int64_t cols) {
  using A = Accumulator<T>;
  return aligned(rows * cols * static_cast<int64_t>(sizeof(A))) + newton_schulz_scratch_bytes<A>(stream, rows, cols);
}

template <class A>
void newton_schulz(CpuStream& stream, const NewtonSchulz<A>& a) {
  if constexpr (kIsSimd<A>) {
    orthogonalize(stream, a);
  } else {
    reference::newton_schulz(a);
  }
}

template <class T>
void muon(CpuStream& stream, const Muon<T>& a) {
  if constexpr (kIsSimd<T>) {
    float* u = reinterpret_cast<float*>(a.scratch);
    with_isa(stream.isa, [&]<Isa isa>() { muon_direction<isa>(*stream.pool, a, u); });
    newton_schulz<float>(stream, {.x = u,
                                  .rows = a.rows,
                                  .cols = a.cols,
                                  .steps = a.steps,
                                  .scratch = a.scratch + aligned(a.rows * a.cols * 4)});
    with_isa(stream.isa, [&]<Isa isa>() { muon_update<isa>(*stream.pool, a, u); });
  } else {
    reference::muon(a);
  }
}

template int64_t newton_schulz_scratch_bytes<float>(const CpuStream&, int64_t, int64_t);
template int64_t newton_schulz_scratch_bytes<double>(const CpuStream&, int64_t, int64_t);
template int64_t muon_scratch_bytes<float>(const CpuStream&, int64_t, int64_t);
template int64_t muon_scratch_bytes<bfloat16>(const CpuStream&, int64_t, int64_t);
template int64_t muon_scratch_bytes<double>(const CpuStream&, int64_t, int64_t);
template void newton_schulz(CpuStream&, const NewtonSchulz<float>&);
template void newton_schulz(CpuStream&, const NewtonSchulz<double>&);
template void muon(CpuStream&, const Muon<float>&);
template void muon(CpuStream&, const Muon<bfloat16>&);
template void muon(CpuStream&, const Muon<double>&);

}  // namespace maru::kernels
