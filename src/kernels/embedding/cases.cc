// Where table lookup is tested and timed.
#include <fmt/format.h>

#include <cstring>

#include "kernels/embedding/embedding.h"
#include "kernels/testing.h"

namespace maru::kernels {
namespace {

struct Shape {
  int64_t rows, cols, vocabulary;
  double multiplier = 1;
  std::string name() const {
    return fmt::format("{} of {} x {}{}", rows, vocabulary, cols, multiplier != 1 ? ", scaled" : "");
  }
  double elements() const { return static_cast<double>(rows * cols); }
  double flops() const { return 3 * elements(); }
  double bytes(double element_bytes) const { return (3 * element_bytes + 8) * elements(); }
};

template <class T>
struct Problem {
  using A = Accumulator<T>;
  Shape shape;
  std::vector<int32_t> tokens;
  std::vector<T> table, dy, y;
  std::vector<A> dtable;

  Problem(Inputs& in, const Shape& s)
      : shape(s),
        tokens(in.integers(s.rows, s.vocabulary)),
        table(in.normal<T>(s.vocabulary * s.cols)),
        dy(in.normal<T>(s.rows * s.cols)),
        y(in.blank<T>(s.rows * s.cols)),
        dtable(in.gradient<A>(s.vocabulary * s.cols, true)) {}

  void forward_rows(auto& stream, int64_t first, int64_t rows) {
    embedding_forward<T>(stream, {.y = y.data() + first * shape.cols,
                                  .table = table.data(),
                                  .tokens = tokens.data() + first,
                                  .rows = rows,
                                  .cols = shape.cols,
                                  .multiplier = shape.multiplier});
  }
  void forward(auto& stream) { forward_rows(stream, 0, shape.rows); }
  void run(auto& stream) {
    forward(stream);
    embedding_backward<T>(stream, {.dtable = dtable.data(),
                                   .dy = dy.data(),
                                   .tokens = tokens.data(),
                                   .rows = shape.rows,
                                   .cols = shape.cols,
                                   .multiplier = shape.multiplier});
  }
  template <class Visit>
  void outputs(Visit&& visit) {
    visit("y", y);
    visit("dtable", dtable);
  }
  template <class Visit>
  void inputs(Visit&& visit) {
    visit(table, dtable);
  }
  template <class Visit>
  void results(Visit&& visit) {
    visit(y, dy);
  }

  std::vector<Tolerance> tolerances() const {
    std::vector<double> terms = magnitude(dtable);
    std::vector<int64_t> uses(static_cast<size_t>(shape.vocabulary));
    int64_t most = 1;
    for (int64_t r = 0; r < shape.rows; ++r) {
      const int32_t token = tokens[static_cast<size_t>(r)];
      most = std::max(most, ++uses[static_cast<size_t>(token)]);
      for (int64_t c = 0; c < shape.cols; ++c)
        terms[static_cast<size_t>(token * shape.cols + c)] +=
            std::abs(shape.multiplier * dy[static_cast<size_t>(r * shape.cols + c)]);
    }
    return {{sum_roundings(1), magnitude(y)}, {sum_roundings(most), terms}};
  }

  bool rows_alone(auto& stream) {
    forward(stream);
    const std::vector<T> together = y;
    for (int64_t r : {int64_t{0}, shape.rows / 2, shape.rows - 1}) forward_rows(stream, r, 1);
    return std::memcmp(together.data(), y.data(), y.size() * sizeof(T)) == 0;
  }
};

}  // namespace

void embedding_cases(std::vector<OpCase>& cases) {
  for (const Shape& shape : {Shape{1, 1, 1}, Shape{300, 7, 5, 0.3}, Shape{40, 65, 100}, Shape{500, 200, 30, 12.0}})
    add_cases<Problem>(cases, "embedding", shape);
  add_benchmarks<Problem>(cases, "embedding", Shape{8192, 512, 32000});
}

}  // namespace maru::kernels
