#include "models/gptq.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>

#include "kernels/matmul/matmul.h"
#include "ops/quantized.h"

namespace maru {
namespace {

constexpr int64_t kGroup = kernels::kQuantizedGroup;
constexpr int64_t kBlock = 64;  // columns of the factor that are found together
constexpr float kLargest = 65504.0f * 6;

Tensor own_floats(Shape shape) { return host_tensor(shape, Dtype::kF32); }

// --- H = M D Mᵀ ------------------------------------------------------------------------------------------------------

/// Cholesky's lower triangular L, L Lᵀ = A, of A = H + λ with rows and columns in reverse order: that makes it upper
/// triangular in theirs. Blocks of columns from left to right; rows of a block in parallel.
class Cholesky {
 public:
  Cholesky(ThreadPool& pool, const float* h, int64_t n, double lambda)
      : pool_(pool), n_(n), lambda_(lambda), l_(static_cast<size_t>(n * n)) {
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j <= i; ++j)
        row(i)[j] = static_cast<double>(h[(n - 1 - i) * n + (n - 1 - j)]) + (i == j ? lambda : 0);
    for (int64_t first = 0; first < n; first += kBlock) block(first, std::min(n, first + kBlock));
  }
  const double* row(int64_t i) const { return l_.data() + i * n_; }

 private:
  double* row(int64_t i) { return l_.data() + i * n_; }

  // Takes the columns before `first` out of a block's columns, then solves them.
  void block(int64_t first, int64_t last) {
    const std::vector<double> before = transposed(first, last);
    pool_.parallel_for(kernels::divide_up(n_ - first, kBlock), [&](int64_t task, int) {
      const int64_t begin = first + task * kBlock, end = std::min(n_, begin + kBlock);
      for (int64_t i = begin; i < end; i += 2) subtract(i, std::min(end, i + 2), first, last, before);
    });
    for (int64_t k = first; k < last; ++k) solve(k, first, k, k + 1);
    pool_.parallel_for(kernels::divide_up(n_ - last, kBlock), [&](int64_t task, int) {
      const int64_t begin = last + task * kBlock, end = std::min(n_, begin + kBlock);
      for (int64_t i = begin; i < end; ++i) solve(i, first, last, last);
    });
  }

  // The block's rows as columns, [first, kBlock], zeros where there are fewer.
  std::vector<double> transposed(int64_t first, int64_t last) const {
    std::vector<double> columns(static_cast<size_t>(first * kBlock));
    for (int64_t k = first; k < last; ++k)
      for (int64_t j = 0; j < first; ++j) columns[static_cast<size_t>(j * kBlock + k - first)] = row(k)[j];
    return columns;
  }

  void subtract(int64_t i, int64_t end, int64_t first, int64_t last, const std::vector<double>& before) {
    const double *a = row(i), *b = row(end - 1);  // the same row twice at the end of an odd number
    for (int64_t c = 0; c < last - first; c += 8) {
      double sum_a[8] = {}, sum_b[8] = {};
      for (int64_t j = 0; j < first; ++j) {
        const double* x = before.data() + j * kBlock + c;
        for (int64_t e = 0; e < 8; ++e) sum_a[e] += a[j] * x[e], sum_b[e] += b[j] * x[e];
      }
      for (int64_t e = 0; e < std::min<int64_t>(8, last - first - c); ++e) {
        row(i)[first + c + e] -= sum_a[e];
        if (end - i > 1) row(end - 1)[first + c + e] -= sum_b[e];
      }
    }
  }

  // Columns [first, last) of row i, and its diagonal if that is before `end`. What is left on the diagonal is at least
  // λ, whatever rounding made of it.
  void solve(int64_t i, int64_t first, int64_t last, int64_t end) {
    for (int64_t k = first; k < end; ++k) {
      double value = row(i)[k];
      for (int64_t j = first; j < k; ++j) value -= row(i)[j] * row(k)[j];
      row(i)[k] = k < last ? value / row(k)[k] : std::sqrt(std::max(value, lambda_));
    }
  }

  ThreadPool& pool_;
  int64_t n_;
  double lambda_;
  std::vector<double> l_;
};

// --- rounding --------------------------------------------------------------------------------------------------------

/// A group of one row: what is to be rounded, and how errors spread inside it.
struct Group {
  int64_t size;
  float weight[kGroup];    // as it was
  float adjusted[kGroup];  // with what the groups before it lost
  const float* spread;     // M_jk of the group at [k · stride + j]
  int64_t stride;
  const float* d;
};

struct Rounded {
  float scale = 0;
  float q[kGroup] = {};
  double error = 0;
};

float nearest(float x) { return std::nearbyint(x); }
float as_half(double x) { return to_float(to_float16(static_cast<float>(x))); }

Rounded round_group(const Group& g, float scale, float low, float high) {
  Rounded r{.scale = scale};
  const float inverse = scale == 0 ? 0 : 1 / scale;
  float lost[kGroup];
  for (int64_t k = 0; k < g.size; ++k) {
    float target = g.adjusted[k];
    for (int64_t j = 0; j < k; ++j) target += lost[j] * g.spread[k * g.stride + j];
    r.q[k] = nearest(std::clamp(target * inverse, low, high));
    lost[k] = g.weight[k] - scale * r.q[k];
    const double rest = target - scale * r.q[k];
    r.error += static_cast<double>(g.d[k]) * rest * rest;
  }
  return r;
}

// The scale of smallest error for these q: the error is a sum of squares d · (a - scale · b)².
float refit(const Group& g, const Rounded& r) {
  double numerator = 0, denominator = 0;
  for (int64_t k = 0; k < g.size; ++k) {
    double a = g.adjusted[k], b = r.q[k];
    for (int64_t j = 0; j < k; ++j) {
      const double m = g.spread[k * g.stride + j];
      a += g.weight[j] * m, b += r.q[j] * m;
    }
    numerator += g.d[k] * a * b, denominator += g.d[k] * b * b;
  }
  return denominator == 0 ? 0 : as_half(numerator / denominator);
}

Rounded best_of(const Group& g, QuantizedKind kind) {
  float top = 0;
  for (int64_t k = 0; k < g.size; ++k)
    if (std::abs(g.adjusted[k]) > std::abs(top)) top = g.adjusted[k];
  if (kind == QuantizedKind::kInt8) return round_group(g, as_half(std::abs(top) / 127), -127, 127);
  Rounded best = round_group(g, 0, -8, 7);
  for (const float at : {-8.0f, -9.0f, -8.5f, -7.5f, -7.0f, -6.5f, -6.0f, 7.0f}) {
    const Rounded tried = round_group(g, refit(g, round_group(g, top / at, -8, 7)), -8, 7);
    if (tried.error < best.error) best = tried;
  }
  return best;
}

/// All rows of a weight, group after group.
class Rounder {
 public:
  Rounder(const HostStream& host, const Tensor& weight, QuantizedKind kind, const ErrorFactors& factors)
      : host_(host),
        kind_(kind),
        factors_(factors),
        weight_(weight),
        rows_(weight.rows()),
        cols_(weight.cols()),
        groups_(kernels::divide_up(cols_, kGroup)),
        lost_(own_floats(weight.shape())),
        carried_(own_floats({rows_, kGroup})),
        q_(static_cast<size_t>(weight.size())),
        scales_(static_cast<size_t>(rows_ * groups_)),
        scratch_(host_tensor({1, largest_scratch()}, Dtype::kU8)) {}

  void run() {
    for (int64_t g = 0; g < groups_; ++g) {
      carry(g * kGroup, size_of_group(g));
      host_.pool->parallel_for(kernels::divide_up(rows_, 16), [&](int64_t task, int) {
        for (int64_t r = task * 16; r < std::min(rows_, task * 16 + 16); ++r) round_row(r, g);
      });
    }
  }
  bool fits() const { return fits_; }
  QuantizedWeight packed() const {
    return pack_quantized(host_, kind_, weight_.shape(), false,
                          [&](int64_t first, int64_t rows, int8_t* q, float* scales, float*) {
                            std::copy_n(q_.data() + first * cols_, rows * cols_, q);
                            std::copy_n(scales_.data() + first * groups_, rows * groups_, scales);
                          });
  }

 private:
  int64_t size_of_group(int64_t g) const { return std::min(kGroup, cols_ - g * kGroup); }

  int64_t largest_scratch() const {
    int64_t most = 0;
    for (int64_t g = 1; g < groups_; ++g)
      most = std::max(most, kernels::matmul_scratch_bytes<float>(host_, rows_, size_of_group(g), g * kGroup));
    return most;
  }

  // carried = lost · M: what the columns before `first` hand on to the next `size`.
  void carry(int64_t first, int64_t size) {
    if (first == 0) return;
    kernels::matmul(host_, kernels::Matmul<float>{.c = carried_.data<float>(),
                                                  .ldc = kGroup,
                                                  .a = lost_.data<float>(),
                                                  .lda = cols_,
                                                  .transpose_a = false,
                                                  .b = factors_.spread() + first * cols_,
                                                  .ldb = cols_,
                                                  .transpose_b = true,
                                                  .m = rows_,
                                                  .n = size,
                                                  .k = first,
                                                  .add = false,
                                                  .scratch = scratch_.data<std::byte>()});
  }

  float weight_at(int64_t i) const {
    return weight_.dtype() == Dtype::kF32 ? weight_.data<float>()[i] : to_float(weight_.data<bfloat16>()[i]);
  }

  void round_row(int64_t r, int64_t g) {
    const int64_t first = g * kGroup, at = r * cols_ + first;
    Group group{.size = size_of_group(g),
                .weight = {},
                .adjusted = {},
                .spread = factors_.spread() + first * cols_ + first,
                .stride = cols_,
                .d = factors_.d().data() + first};
    for (int64_t k = 0; k < group.size; ++k) {
      group.weight[k] = weight_at(at + k);
      group.adjusted[k] = group.weight[k] + carried_.data<float>()[r * kGroup + k];
      if (!(std::abs(group.adjusted[k]) < kLargest)) fits_ = false;
    }
    if (!fits_) return;
    const Rounded best = best_of(group, kind_);
    scales_[static_cast<size_t>(r * groups_ + g)] = best.scale;
    for (int64_t k = 0; k < group.size; ++k) {
      q_[static_cast<size_t>(at + k)] = static_cast<int8_t>(best.q[k]);
      lost_.data<float>()[at + k] = group.weight[k] - best.scale * best.q[k];
    }
  }

  HostStream host_;
  QuantizedKind kind_;
  const ErrorFactors& factors_;
  Tensor weight_;
  int64_t rows_, cols_, groups_;
  Tensor lost_, carried_;
  std::vector<int8_t> q_;
  std::vector<float> scales_;
  Tensor scratch_;
  std::atomic<bool> fits_ = true;
};

template <class T, class S>
void add_products(S& stream, Tensor& to, const Tensor& x, std::byte* scratch) {
  kernels::matmul(stream, kernels::Matmul<T, float>{.c = to.data<float>(),
                                                    .ldc = x.cols(),
                                                    .a = x.data<T>(),
                                                    .lda = x.cols(),
                                                    .transpose_a = true,
                                                    .b = x.data<T>(),
                                                    .ldb = x.cols(),
                                                    .transpose_b = false,
                                                    .m = x.cols(),
                                                    .n = x.cols(),
                                                    .k = x.rows(),
                                                    .add = true,
                                                    .scratch = scratch});
}

}  // namespace

InputStatistics::InputStatistics(Device& device, int64_t dim)
    : dim_(dim), products_(device.tensor({dim, dim}, Dtype::kF32)) {}

void InputStatistics::add(Device& device, const Tensor& x) {
  CHECK(x.cols() == dim_ && (x.dtype() == Dtype::kF32 || x.dtype() == Dtype::kBf16));
  const bool wide = x.dtype() == Dtype::kF32;
  const int64_t needed = device.ask([&](const auto& stream) {
    return wide ? kernels::matmul_scratch_bytes<float>(stream, dim_, dim_, x.rows())
                : kernels::matmul_scratch_bytes<bfloat16>(stream, dim_, dim_, x.rows());
  });
  if (needed > scratch_.cols()) scratch_ = device.tensor({1, needed}, Dtype::kU8);
  device.launch([&](auto& stream) {
    if (wide)
      add_products<float>(stream, products_, x, scratch_.data<std::byte>());
    else
      add_products<bfloat16>(stream, products_, x, scratch_.data<std::byte>());
  });
}

ErrorFactors::ErrorFactors(const HostStream& host, const InputStatistics& inputs, double damping)
    : dim_(inputs.dim()), spread_(own_floats({dim_, dim_})), d_(static_cast<size_t>(dim_)) {
  const Tensor products = to_host(inputs.products());
  const float* h = products.data<float>();
  double mean = 0;
  for (int64_t i = 0; i < dim_; ++i) mean += static_cast<double>(h[i * dim_ + i]) / static_cast<double>(dim_);
  if (!std::isfinite(mean))
    throw Failure(ErrorCode::kInvalidArgument, "[gptq] the inputs of the calibration text are not finite");
  ThreadPool& pool = *host.pool;
  const Cholesky l(pool, h, dim_, mean > 0 ? damping * mean : 1);
  pool.parallel_for(kernels::divide_up(dim_, kBlock), [&](int64_t task, int) {
    for (int64_t k = task * kBlock; k < std::min(dim_, (task + 1) * kBlock); ++k) {
      const int64_t back = dim_ - 1 - k;
      const double diagonal = l.row(back)[back];
      d_[static_cast<size_t>(k)] = static_cast<float>(diagonal * diagonal);
      for (int64_t j = 0; j < k; ++j)
        spread_.data<float>()[k * dim_ + j] = static_cast<float>(l.row(dim_ - 1 - j)[back] / diagonal);
    }
  });
}

QuantizedWeight quantize_for_inputs(Device& device, const Tensor& weight, QuantizedKind kind,
                                    const ErrorFactors& factors) {
  const bool known = weight.dtype() == Dtype::kF32 || weight.dtype() == Dtype::kBf16;
  if (!known || weight.cols() != factors.dim())
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("[gptq] the weight is [{}, {}] {}, expected {} columns of f32 or bf16", weight.rows(),
                              weight.cols(), name_of(weight.dtype()), factors.dim()));
  Rounder rounder(device.host(), to_host(weight), kind, factors);
  rounder.run();
  if (rounder.fits()) {
    const QuantizedWeight made = rounder.packed();
    return {made.kind, made.shape, device.place(made.quads), device.place(made.scales), {}};
  }
  throw Failure(ErrorCode::kInvalidArgument,
                fmt::format("[gptq] a weight [{}, {}] holds numbers that are not finite or beyond 393,024",
                            weight.rows(), weight.cols()));
}

}  // namespace maru
