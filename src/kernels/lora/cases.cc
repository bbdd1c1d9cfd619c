// Where the lengths of the rows of an adapted weight are tested and timed, against sums of the adapted weight's
// squares.
#include <fmt/format.h>

#include "kernels/lora/lora.h"
#include "kernels/testing.h"

namespace maru::kernels {
namespace {

struct Shape {
  int64_t rows, cols, rank;
  double scale;
  std::string name() const { return fmt::format("{} x {}, rank {}, scaled by {}", rows, cols, rank, scale); }
  double flops() const { return 2 * static_cast<double>(rows * (cols + 2 * rank)); }
  double bytes(double element_bytes) const { return element_bytes * static_cast<double>(rows * (cols + 3 * rank)); }
};

template <class T>
struct Problem {
  using A = Accumulator<T>;
  Shape shape;
  std::vector<double> a, norms;
  std::vector<T> weight;
  std::vector<A> b, b_a_a, a_w;

  Problem(Inputs& in, const Shape& s)
      : shape(s),
        a(in.normal<double>(s.rank * s.cols)),
        norms(in.blank<double>(s.rows)),
        weight(in.normal<T>(s.rows * s.cols)),
        b(in.normal<A>(s.rows * s.rank)),
        b_a_a(in.blank<A>(s.rows * s.rank)),
        a_w(in.blank<A>(s.rank * s.rows)) {
    for (int64_t r = 0; r < s.rows; ++r)
      for (int64_t k = 0; k < s.rank; ++k) {
        double with_weight = 0, with_a = 0;
        for (int64_t c = 0; c < s.cols; ++c) {
          with_weight += a[k * s.cols + c] * to_f64(weight[r * s.cols + c]);
          with_a += a[k * s.cols + c] * update(r, c);
        }
        a_w[k * s.rows + r] = static_cast<A>(with_weight);
        b_a_a[r * s.rank + k] = static_cast<A>(with_a);
      }
  }
  // (b · a)[r, c]
  double update(int64_t r, int64_t c) const {
    double sum = 0;
    for (int64_t k = 0; k < shape.rank; ++k) sum += to_f64(b[r * shape.rank + k]) * a[k * shape.cols + c];
    return sum;
  }
  void run(auto& stream) {
    lora_row_norms<T>(stream, {.norms = norms.data(),
                               .weight = weight.data(),
                               .b = b.data(),
                               .b_a_a = b_a_a.data(),
                               .a_w = a_w.data(),
                               .rows = shape.rows,
                               .cols = shape.cols,
                               .rank = shape.rank,
                               .scale = shape.scale});
    if constexpr (std::is_same_v<T, double>) norms = norms_of_sums();
  }
  template <class Visit>
  void outputs(Visit&& visit) {
    visit("norms", norms);
  }
  // The two inner products are rounded to f32; the root of a sum has half its relative error.
  std::vector<Tolerance> tolerances() const {
    std::vector<double> sizes = norms;
    for (int64_t r = 0; r < shape.rows; ++r)
      for (int64_t k = 0; k < shape.rank; ++k)
        sizes[r] += std::abs(shape.scale * b[r * shape.rank + k]) *
                    (2 * std::abs(a_w[k * shape.rows + r]) + shape.scale * std::abs(b_a_a[r * shape.rank + k])) /
                    norms[r];
    return {{2, sizes}};
  }

 private:
  std::vector<double> norms_of_sums() const {
    std::vector<double> lengths;
    for (int64_t r = 0; r < shape.rows; ++r) {
      double squares = 0;
      for (int64_t c = 0; c < shape.cols; ++c)
        squares += std::pow(to_f64(weight[r * shape.cols + c]) + shape.scale * update(r, c), 2);
      lengths.push_back(std::sqrt(squares));
    }
    return lengths;
  }
};

}  // namespace

void lora_cases(std::vector<OpCase>& cases) {
  for (const Shape& shape : {Shape{1, 1, 1, 2}, Shape{5, 37, 3, 0.5}, Shape{70, 65, 8, 1}})
    add_cases<Problem>(cases, "lora_row_norms", shape);
  add_benchmarks<Problem>(cases, "lora_row_norms", Shape{512, 512, 16, 1});
}

}  // namespace maru::kernels
