// Where matrix multiplication is tested and timed.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstring>
#include <numeric>

#include "kernels/matmul/matmul.h"
#include "kernels/testing.h"

namespace maru::kernels {
namespace {

struct Shape {
  int64_t m, n, k;
  bool transpose_a = false, transpose_b = false, pack = false, add = false;
  std::string name() const {
    return fmt::format("{} x {} x {}{}{}{}{}", m, n, k, transpose_a ? ", aT" : "", transpose_b ? ", bT" : "",
                       pack ? ", packed" : "", add ? ", adding" : "");
  }
  // Of run(), which multiplies twice.
  double flops() const { return 4.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k); }
  double bytes(double element_bytes) const {
    return 2 * element_bytes * static_cast<double>(m * k + k * n + (add ? 2 : 1) * m * n);
  }
};

// Leading dimensions are larger than the rows.
constexpr int64_t kGap = 3;
// What scratch holds before: NaN in every type, so that what is read unwritten shows.
constexpr std::byte kNan{0xff};

// The product in T and in Accumulator<T>.
template <class T>
struct Problem {
  using A = Accumulator<T>;
  Shape shape;
  int64_t lda, ldb, ldc;
  std::vector<T> a, b, c;
  std::vector<A> sums;
  std::vector<std::byte> packed, scratch;

  Problem(Inputs& in, const Shape& s)
      : shape(s),
        lda((s.transpose_a ? s.m : s.k) + kGap),
        ldb((s.transpose_b ? s.k : s.n) + kGap),
        ldc(s.n + kGap),
        a(in.normal<T>((s.transpose_a ? s.k : s.m) * lda)),
        b(in.normal<T>((s.transpose_b ? s.n : s.k) * ldb)),
        c(in.normal<T>(s.m * ldc)),
        sums(in.normal<A>(s.m * ldc)) {}

  template <class C>
  void multiply(auto& stream, std::vector<C>& result, int64_t first, int64_t rows) {
    if (shape.pack && packed.empty()) pack(stream);
    scratch.assign(64 + matmul_scratch_bytes<T>(stream, rows, shape.n, shape.k), kNan);
    matmul<T, C>(stream, {.c = result.data() + first * ldc,
                          .ldc = ldc,
                          .a = a.data() + first * (shape.transpose_a ? 1 : lda),
                          .lda = lda,
                          .transpose_a = shape.transpose_a,
                          .b = shape.pack ? nullptr : b.data(),
                          .ldb = ldb,
                          .transpose_b = shape.transpose_b,
                          .packed_b = shape.pack ? aligned(packed) : nullptr,
                          .m = rows,
                          .n = shape.n,
                          .k = shape.k,
                          .add = shape.add,
                          .scratch = aligned(scratch)});
  }
  void run(auto& stream) {
    multiply(stream, c, 0, shape.m);
    multiply(stream, sums, 0, shape.m);
  }
  template <class Visit>
  void outputs(Visit&& visit) {
    visit("c", c);
    visit("sums", sums);
  }

  std::vector<Tolerance> tolerances() const {
    return {{sum_roundings(shape.k), magnitudes(c)}, {sum_roundings(shape.k), magnitudes(sums)}};
  }

  bool rows_alone(auto& stream) {
    if (shape.add) return true;  // c has changed
    multiply(stream, c, 0, shape.m);
    const std::vector<T> together = c;
    for (int64_t r : {int64_t{0}, shape.m / 2, shape.m - 1}) multiply(stream, c, r, 1);
    return std::memcmp(together.data(), c.data(), c.size() * sizeof(T)) == 0;
  }

 private:
  static std::byte* aligned(std::vector<std::byte>& bytes) {
    return bytes.data() + (64 - reinterpret_cast<uintptr_t>(bytes.data()) % 64) % 64;
  }
  void pack(auto& stream) {
    packed.assign(64 + matmul_packed_bytes<T>(stream, shape.n, shape.k), kNan);
    matmul_pack<T>(stream, {.packed = aligned(packed),
                            .b = b.data(),
                            .ldb = ldb,
                            .transpose_b = shape.transpose_b,
                            .n = shape.n,
                            .k = shape.k});
  }
  // |result| + |op(a)| · |op(b)|
  std::vector<double> magnitudes(const std::vector<double>& result) const {
    std::vector<double> sizes = magnitude(result);
    for (int64_t i = 0; i < shape.m; ++i)
      for (int64_t j = 0; j < shape.n; ++j) sizes[i * ldc + j] += terms(i, j);
    return sizes;
  }
  double terms(int64_t i, int64_t j) const {
    double sum = 0;
    for (int64_t p = 0; p < shape.k; ++p)
      sum +=
          std::abs(a[shape.transpose_a ? p * lda + i : i * lda + p] * b[shape.transpose_b ? j * ldb + p : p * ldb + j]);
    return sum;
  }
};

struct GroupedShape {
  std::vector<int64_t> groups;  // rows of each
  int64_t n, k;
  bool add = false;
  std::string name() const {
    return fmt::format("{} rows x {} x {}{}", fmt::join(groups, "+"), n, k, add ? ", adding to dx" : "");
  }
  int64_t grouped() const { return std::accumulate(groups.begin(), groups.end(), int64_t{0}); }
  int64_t rows() const { return grouped() + 9; }  // at least grouped_spare_rows more
  int64_t weights() const { return static_cast<int64_t>(groups.size()) * n * k; }
  double flops() const { return 6.0 * static_cast<double>(grouped() * n * k); }
  double bytes(double element_bytes) const {
    return element_bytes * static_cast<double>(2 * grouped() * (n + k) + 2 * weights()) +
           8.0 * static_cast<double>(weights());
  }
};

template <class T>
struct GroupedProblem {
  using A = Accumulator<T>;
  GroupedShape shape;
  std::vector<int32_t> first{0};
  std::vector<T> x, w, y, dy, dx;
  std::vector<A> dw;
  std::vector<const T*> weights;
  std::vector<A*> dweights;
  std::vector<std::byte> scratch;

  GroupedProblem(Inputs& in, const GroupedShape& s)
      : shape(s),
        x(in.normal<T>(s.rows() * s.k)),
        w(in.normal<T>(s.weights())),
        y(in.blank<T>(s.rows() * s.n)),
        dy(in.normal<T>(s.rows() * s.n)),
        dx(in.gradient<T>(s.rows() * s.k, s.add)),
        dw(in.gradient<A>(s.weights(), true)) {
    for (size_t e = 0; e < s.groups.size(); ++e) {
      first.push_back(first.back() + static_cast<int32_t>(s.groups[e]));
      weights.push_back(w.data() + static_cast<int64_t>(e) * s.n * s.k);
      dweights.push_back(dw.data() + static_cast<int64_t>(e) * s.n * s.k);
    }
  }

  void forward(auto& stream) {
    grouped_matmul<T>(stream,
                      {.y = y.data(),
                       .x = x.data(),
                       .weights = weights.data(),
                       .first = first.data(),
                       .groups = static_cast<int64_t>(weights.size()),
                       .rows = shape.rows(),
                       .n = shape.n,
                       .k = shape.k,
                       .scratch = room(grouped_matmul_scratch_bytes<T>(stream, shape.rows(), shape.n, shape.k))});
  }
  void run(auto& stream) {
    forward(stream);
    grouped_matmul_backward<T>(
        stream, {.dx = dx.data(),
                 .add_dx = shape.add,
                 .dweights = dweights.data(),
                 .dy = dy.data(),
                 .x = x.data(),
                 .weights = weights.data(),
                 .first = first.data(),
                 .groups = static_cast<int64_t>(weights.size()),
                 .rows = shape.rows(),
                 .n = shape.n,
                 .k = shape.k,
                 .scratch = room(grouped_matmul_backward_scratch_bytes<T>(stream, shape.rows(), shape.n, shape.k))});
  }
  template <class Visit>
  void outputs(Visit&& visit) {
    visit("y", y);
    visit("dx", dx);
    visit("dw", dw);
  }
  template <class Visit>
  void inputs(Visit&& visit) {
    visit(x, dx);
    visit(w, dw);
  }
  template <class Visit>
  void results(Visit&& visit) {
    visit(y, dy);
  }
  std::vector<Tolerance> tolerances() const {
    std::vector<double> sizes(y.size()), dx_sizes = magnitude(dx), dw_sizes = magnitude(dw);
    for (size_t e = 0; e < weights.size(); ++e)
      for (int64_t r = first[e]; r < first[e + 1]; ++r)
        for (int64_t i = 0; i < shape.n * shape.k; ++i) {
          const int64_t out = r * shape.n + i / shape.k, in = r * shape.k + i % shape.k;
          sizes[out] += std::abs(x[in] * weights[e][i]);
          dx_sizes[in] += std::abs(dy[out] * weights[e][i]);
          dw_sizes[static_cast<int64_t>(e) * shape.n * shape.k + i] += std::abs(dy[out] * x[in]);
        }
    return {{sum_roundings(shape.k), sizes},
            {sum_roundings(shape.n), dx_sizes},
            {sum_roundings(shape.grouped()), dw_sizes}};
  }

 private:
  std::byte* room(int64_t bytes) {
    scratch.assign(static_cast<size_t>(64 + bytes), kNan);
    return scratch.data() + (64 - reinterpret_cast<uintptr_t>(scratch.data()) % 64) % 64;
  }
};

}  // namespace

void matmul_cases(std::vector<OpCase>& cases) {
  for (const Shape& shape :
       {Shape{1, 1, 1}, Shape{1, 33, 5, false, true, true}, Shape{7, 65, 64, true}, Shape{15, 97, 127, false, true},
        Shape{65, 31, 33, true, true, false, true}, Shape{29, 70, 801, false, false, true, true},
        Shape{131, 100, 801, true}, Shape{67, 3, 1, false, true}})
    add_cases<Problem>(cases, "matmul", shape);
  for (const GroupedShape& shape : {GroupedShape{{1}, 1, 1}, GroupedShape{{3, 0, 9, 1}, 37, 20, true},
                                    GroupedShape{{0, 20, 300, 0}, 33, 65, true}, GroupedShape{{1030, 2}, 5, 9}})
    add_cases<GroupedProblem>(cases, "grouped_matmul", shape);
  add_benchmarks<GroupedProblem>(cases, "grouped_matmul", GroupedShape{{512, 480, 544, 512}, 1408, 2048});
  add_benchmarks<Problem>(cases, "matmul", Shape{4096, 1024, 1024, false, true});
}

}  // namespace maru::kernels
