// What matrix multiplication promises beyond the right numbers: the bits of an element depend on nothing but its row,
// its column and k.
#include "kernels/matmul/matmul.h"

#include <gtest/gtest.h>

#include <cstring>

#include "kernels/testing.h"

namespace maru::kernels {
namespace {

constexpr int64_t kRows = 71, kCols = 83;

template <class T>
std::vector<T> transposed(const std::vector<T>& x, int64_t rows, int64_t cols) {
  std::vector<T> y(x.size());
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < cols; ++c) y[c * rows + r] = x[r * cols + c];
  return y;
}

std::byte* aligned(std::vector<std::byte>& bytes, int64_t size) {
  bytes.assign(static_cast<size_t>(size + 64), std::byte{0xff});  // NaN: what is read unwritten shows
  return bytes.data() + (64 - reinterpret_cast<uintptr_t>(bytes.data()) % 64) % 64;
}

struct Way {
  bool transpose_a = false, transpose_b = false, pack = false;
  int threads = 1;
};

// op(a) [kRows, k] and op(b) [k, kCols], and parts of their product computed in different ways.
template <class T>
struct Operands {
  Isa isa;
  int64_t k, shift = 0;  // elements of b_transposed before its first
  std::vector<T> a, b, a_transposed, b_transposed;

  Operands(Isa isa_, int64_t k_) : isa(isa_), k(k_) {
    Inputs in(kCaseSeed, Inputs::Round::kBf16, Inputs::Gradients::kDirty);
    a = in.normal<T>(kRows * k);
    b = in.normal<T>(k * kCols);
    a_transposed = transposed(a, kRows, k);
    b_transposed = transposed(b, k, kCols);
  }

  /// Rows [row, row + m) and columns [col, col + n) of the product.
  template <class C>
  std::vector<C> product(Way way, int64_t row, int64_t m, int64_t col, int64_t n) {
    ThreadPool pool(way.threads);
    CpuStream stream{&pool, isa};
    std::vector<std::byte> scratch, packed;
    std::vector<C> c(static_cast<size_t>(m * n));
    const T* right = way.transpose_b ? b_transposed.data() + shift + col * k : b.data() + col;
    const int64_t ldb = way.transpose_b ? k : kCols;
    std::byte* packed_b = way.pack ? aligned(packed, matmul_packed_bytes<T>(stream, n, k)) : nullptr;
    if (way.pack) matmul_pack<T>(stream, {packed_b, right, ldb, way.transpose_b, n, k});
    matmul<T, C>(stream, {.c = c.data(),
                          .ldc = n,
                          .a = way.transpose_a ? a_transposed.data() + row : a.data() + row * k,
                          .lda = way.transpose_a ? kRows : k,
                          .transpose_a = way.transpose_a,
                          .b = way.pack ? nullptr : right,
                          .ldb = ldb,
                          .transpose_b = way.transpose_b,
                          .packed_b = packed_b,
                          .m = m,
                          .n = n,
                          .k = k,
                          .scratch = aligned(scratch, matmul_scratch_bytes<T>(stream, m, n, k))});
    return c;
  }
};

template <class C>
void expect_part(const std::vector<C>& part, const std::vector<C>& whole, int64_t row, int64_t m, int64_t col,
                 int64_t n) {
  for (int64_t r = 0; r < m; ++r)
    ASSERT_EQ(0, std::memcmp(&part[r * n], &whole[(row + r) * kCols + col], static_cast<size_t>(n) * sizeof(C)))
        << "row " << row + r << " among " << m << " x " << n << " from " << row << ", " << col;
}

template <class T_, class C_>
struct Types {
  using T = T_;
  using C = C_;
};

template <class>
class MatmulBits : public ::testing::Test {};
using AllTypes = ::testing::Types<Types<float, float>, Types<bfloat16, bfloat16>, Types<bfloat16, float>>;
TYPED_TEST_SUITE(MatmulBits, AllTypes);

// 1 and 7: a word of bfloat16 is incomplete; 1100: several blocks of k where there are many rows, one where there are
// few; 5001: several.
constexpr int64_t kDepths[] = {1, 7, 64, 1100, 5001};

TYPED_TEST(MatmulBits, DoNotDependOnWhatElseIsMultiplied) {
  using C = typename TypeParam::C;
  for (Isa isa : supported_isas())
    for (int64_t k : kDepths) {
      Operands<typename TypeParam::T> x(isa, k);
      const std::vector<C> whole = x.template product<C>({}, 0, kRows, 0, kCols);
      for (int64_t m = 1; m <= 70; m += m < 18 ? 1 : 13)
        for (bool transpose_b : {false, true})
          expect_part(x.template product<C>({.transpose_b = transpose_b}, 1, m, 0, kCols), whole, 1, m, 0, kCols);
      for (int64_t n : {1, 2, 15, 16, 17, 31, 33, 64, 70})
        expect_part(x.template product<C>({}, 3, 5, 13, n), whole, 3, 5, 13, n);
    }
}

TYPED_TEST(MatmulBits, DoNotDependOnTranspositionPackingOrThreads) {
  using C = typename TypeParam::C;
  for (Isa isa : supported_isas())
    for (int64_t k : kDepths) {
      Operands<typename TypeParam::T> x(isa, k);
      const std::vector<C> whole = x.template product<C>({}, 0, kRows, 0, kCols);
      for (int way = 1; way < 24; ++way) {
        const Way other{(way & 1) != 0, (way & 2) != 0, (way & 4) != 0, 1 + way / 8 * 2};
        expect_part(x.template product<C>(other, 0, kRows, 0, kCols), whole, 0, kRows, 0, kCols);
        expect_part(x.template product<C>(other, 40, 1, 0, kCols), whole, 40, 1, 0, kCols);
      }
    }
}

// Lines that begin in the midst of a cache line are read up to the next one first.
TYPED_TEST(MatmulBits, DoNotDependOnWhereWeightsBegin) {
  using T = typename TypeParam::T;
  using C = typename TypeParam::C;
  for (Isa isa : supported_isas())
    for (int64_t k : {64, 96, 1088}) {
      Operands<T> x(isa, k);
      const std::vector<C> whole = x.template product<C>({}, 0, kRows, 0, kCols);
      for (; x.shift < 64; x.b_transposed.insert(x.b_transposed.begin(), T{}), ++x.shift)
        for (int64_t m : {1, 5})
          expect_part(x.template product<C>({false, true}, 7, m, 0, kCols), whole, 7, m, 0, kCols);
    }
}

TEST(GroupedMatmul, GivesEachGroupItsOwnProductAndTheRestZeros) {
  const std::vector<int32_t> first{0, 3, 3, 61};
  const int64_t rows = kRows, n = kCols, k = 20;  // ten spare rows
  ThreadPool pool(2);
  for (Isa isa : supported_isas()) {
    CpuStream stream{&pool, isa};
    ASSERT_GE(rows - first.back(), grouped_spare_rows(stream));
    Operands<bfloat16> x(isa, k), other(isa, k);
    std::swap(other.b_transposed.front(), other.b_transposed.back());
    const std::vector<const bfloat16*> weights{x.b_transposed.data(), nullptr, other.b_transposed.data()};
    std::vector<bfloat16> y(static_cast<size_t>(rows * n), to_bfloat16(std::nanf("")));
    std::vector<std::byte> scratch;
    std::byte* space = aligned(scratch, grouped_matmul_scratch_bytes<bfloat16>(stream, rows, n, k));
    grouped_matmul<bfloat16>(stream, {y.data(), x.a.data(), weights.data(), first.data(), 3, rows, n, k, space});
    std::vector<bfloat16> expected = x.product<bfloat16>({false, true}, 0, 3, 0, n);
    other.a = x.a;
    const std::vector<bfloat16> rest = other.product<bfloat16>({false, true}, 3, 58, 0, n);
    expected.insert(expected.end(), rest.begin(), rest.end());
    expected.resize(y.size());
    EXPECT_EQ(0, std::memcmp(expected.data(), y.data(), y.size() * sizeof(bfloat16))) << name_of(isa);
  }
}

TEST(MatmulEdges, OfNoDepthIsZeroOrWhatWasThere) {
  ThreadPool pool(2);
  for (Isa isa : supported_isas()) {
    CpuStream stream{&pool, isa};
    std::vector<std::byte> scratch;
    std::byte* space = aligned(scratch, matmul_scratch_bytes<float>(stream, 3, 2, 0));
    std::vector<float> c(6, 5.0f);
    matmul<float>(stream, {.c = c.data(), .ldc = 2, .m = 3, .n = 2, .k = 0, .add = true, .scratch = space});
    EXPECT_EQ(c, std::vector<float>(6, 5.0f)) << name_of(isa);
    matmul<float>(stream, {.c = c.data(), .ldc = 2, .m = 3, .n = 2, .k = 0, .scratch = space});
    EXPECT_EQ(c, std::vector<float>(6, 0.0f)) << name_of(isa);
  }
}

// Zeros that fill up a tile must not meet infinities of real rows: 0 · inf would be NaN, but in nobody's element.
TEST(MatmulEdges, InfinitiesStayInTheirRowAndColumn) {
  ThreadPool pool(1);
  for (Isa isa : supported_isas()) {
    Operands<bfloat16> x(isa, 5);
    const std::vector<float> before = x.product<float>({}, 0, kRows, 0, kCols);
    x.a[2 * 5 + 4] = to_bfloat16(INFINITY);
    const std::vector<float> after = x.product<float>({}, 0, kRows, 0, kCols);
    for (int64_t i = 0; i < kRows * kCols; ++i)
      if (i / kCols == 2)
        EXPECT_TRUE(std::isinf(after[i])) << name_of(isa) << " " << i;
      else
        EXPECT_EQ(after[i], before[i]) << name_of(isa) << " " << i;
  }
}

// Nor do the zeros behind a row's end meet the begin of the next line of a weight that is multiplied where it lies.
TEST(MatmulEdges, InfinitiesOfWeightsStayInTheirColumn) {
  for (Isa isa : supported_isas()) {
    Operands<bfloat16> x(isa, 5);
    const std::vector<float> before = x.product<float>({false, true}, 0, 3, 0, kCols);
    x.b_transposed[20 * 5] = to_bfloat16(INFINITY);
    const std::vector<float> after = x.product<float>({false, true}, 0, 3, 0, kCols);
    for (int64_t i = 0; i < 3 * kCols; ++i)
      if (i % kCols == 20)
        EXPECT_TRUE(std::isinf(after[i])) << name_of(isa) << " " << i;
      else
        EXPECT_EQ(after[i], before[i]) << name_of(isa) << " " << i;
  }
}

TEST(MatmulEdges, ScratchIsBounded) {
  ThreadPool pool(1);
  for (Isa isa : supported_isas())
    for (int64_t size : {1, 1000, 30000})
      EXPECT_LE(matmul_scratch_bytes<bfloat16>(CpuStream{&pool, isa}, size, size, 100000), int64_t{7} << 20)
          << name_of(isa);
}

}  // namespace
}  // namespace maru::kernels
