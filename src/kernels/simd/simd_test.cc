// The vector wrappers on every instruction set of this machine: accuracy, rounding, and buffers that end at a page that
// must not be touched.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/random.h"
#include "kernels/simd/probe.h"

namespace maru::kernels {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

class Simd : public ::testing::TestWithParam<Isa> {
 protected:
  std::vector<float> apply(Probe f, const std::vector<float>& x) const {
    std::vector<float> y(x.size());
    with_isa(GetParam(), [&]<Isa isa>() { probe<isa>(f, x.data(), y.data(), static_cast<int64_t>(x.size())); });
    return y;
  }
  std::vector<bfloat16> narrow(const std::vector<float>& x) const {
    std::vector<bfloat16> y(x.size());
    std::vector<float> back(x.size());
    with_isa(GetParam(),
             [&]<Isa isa>() { probe_bfloat16<isa>(x.data(), y.data(), back.data(), static_cast<int64_t>(x.size())); });
    for (size_t i = 0; i < x.size(); ++i) {
      const float wide = to_float(y[i]);
      EXPECT_EQ(std::memcmp(&wide, &back[i], 4), 0) << x[i];
    }
    return y;
  }
};

INSTANTIATE_TEST_SUITE_P(Isas, Simd, ::testing::ValuesIn(supported_isas()),
                         [](const auto& info) { return std::string(name_of(info.param)); });

TEST_P(Simd, DispatchReachesTheCodeOfTheInstructionSet) {
  const Isa code = GetParam() == Isa::kAmx ? Isa::kAvx512 : GetParam();
  const int64_t lanes = code == Isa::kAvx512 ? 16 : code == Isa::kAvx2 ? 8 : 1;
  with_isa(GetParam(), [&]<Isa isa>() {
    EXPECT_EQ(probe_isa<isa>(), code);
    EXPECT_EQ(probe_lanes<isa>(), lanes);
  });
}

// Every 1000th float or so of the range, both signs of it.
std::vector<float> range(float low, float high) {
  std::vector<float> x;
  for (double v = low; v <= high; v += 1.3e-3) x.push_back(static_cast<float>(v));
  for (float v = 1e-30f; v < high; v *= 1.01f) x.insert(x.end(), {v, -v});
  return x;
}

TEST_P(Simd, ExpIsAccurateOverItsWholeRange) {
  const std::vector<float> x = range(-87.3f, 88.7f), y = apply(Probe::kExp, x);
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i] < -87.3f) continue;
    const long double exact = std::exp(static_cast<long double>(x[i]));
    ASSERT_LE(std::abs((static_cast<long double>(y[i]) - exact) / exact), 2e-7L) << x[i];
  }
}

TEST_P(Simd, ExpOfExtremes) {
  const std::vector<float> x = {-kInfinity, -1e30f, -200, -88, 0, -0.0f, 89, 100, 200, 1e30f, kInfinity, kNan};
  const std::vector<float> y = apply(Probe::kExp, x);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(y[i], 0) << x[i];
  EXPECT_EQ(y[4], 1);
  EXPECT_EQ(y[5], 1);
  for (size_t i = 6; i < 11; ++i) EXPECT_EQ(y[i], kInfinity) << x[i];
  EXPECT_TRUE(std::isnan(y[11]));
}

TEST_P(Simd, LogIsAccurate) {
  std::vector<float> x = {1.0f, 1e-37f, 1.17549435e-38f, 2e38f, 0.5f, 2.0f, 0.70710677f, 1.4142135f};
  for (float near = 0.9f; near < 1.1f; near += 1e-4f) x.push_back(near);
  for (const float v : range(-85, 85)) x.push_back(std::exp(v));
  const std::vector<float> y = apply(Probe::kLog, x);
  EXPECT_EQ(y[0], 0);
  for (size_t i = 1; i < x.size(); ++i) {
    const long double exact = std::log(static_cast<long double>(x[i]));
    ASSERT_LE(std::abs(static_cast<long double>(y[i]) - exact), 3e-7L * std::abs(exact)) << x[i];
  }
}

TEST_P(Simd, SigmoidIsAccurateAndSaturates) {
  const std::vector<float> x = range(-87, 87), y = apply(Probe::kSigmoid, x);
  for (size_t i = 0; i < x.size(); ++i) {
    const long double exact = 1 / (1 + std::exp(-static_cast<long double>(x[i])));
    ASSERT_LE(std::abs((static_cast<long double>(y[i]) - exact) / exact), 4e-7L) << x[i];
  }
  const std::vector<float> ends = apply(Probe::kSigmoid, {-kInfinity, -1000, 1000, kInfinity, kNan});
  EXPECT_EQ(ends[0], 0);
  EXPECT_EQ(ends[1], 0);
  EXPECT_EQ(ends[2], 1);
  EXPECT_EQ(ends[3], 1);
  EXPECT_TRUE(std::isnan(ends[4]));
}

TEST_P(Simd, SquareRootAndRoundAreExact) {
  const std::vector<float> x = range(0, 40), whole = apply(Probe::kRound, x);
  std::vector<float> size = x;
  for (float& v : size) v = std::abs(v);
  const std::vector<float> root = apply(Probe::kSquareRoot, size);
  for (size_t i = 0; i < x.size(); ++i) {
    ASSERT_EQ(root[i], std::sqrt(size[i]));
    ASSERT_EQ(whole[i], std::nearbyint(x[i]));
  }
  EXPECT_EQ(apply(Probe::kRound, {0.5f, 1.5f, 2.5f, -0.5f, -1.5f}), (std::vector<float>{0, 2, 2, -0.0f, -2}));
}

float from_bits(uint32_t bits) {
  float f;
  std::memcpy(&f, &bits, 4);
  return f;
}

TEST_P(Simd, Bfloat16RoundsToNearestEven) {
  const std::vector<std::pair<uint32_t, uint16_t>> cases = {
      {0x3f800000, 0x3f80},                        // 1
      {0x3f808000, 0x3f80}, {0x3f818000, 0x3f82},  // ties: down to even, up to even
      {0x3f807fff, 0x3f80}, {0x3f808001, 0x3f81},  // just below and above a tie
      {0x3fffffff, 0x4000},                        // a carry into the exponent
      {0x7f7fffff, 0x7f80},                        // the largest float becomes infinity
      {0x7f800000, 0x7f80}, {0xff800000, 0xff80}, {0x80000000, 0x8000}};
  std::vector<float> x;
  for (const auto& c : cases) x.push_back(from_bits(c.first));
  const std::vector<bfloat16> y = narrow(x);
  for (size_t i = 0; i < cases.size(); ++i) EXPECT_EQ(y[i].bits, cases[i].second) << std::hex << cases[i].first;
}

TEST_P(Simd, Bfloat16KeepsNan) {
  // Without care the first would round to infinity and the second to minus zero.
  for (bfloat16 y : narrow({from_bits(0x7f800001), from_bits(0xffffffff), kNan})) EXPECT_TRUE(std::isnan(to_float(y)));
}

TEST_P(Simd, Bfloat16OfNormalNumbersIsTheSameOnEveryIsa) {
  Random random(3);
  std::vector<float> x(5000);
  for (float& v : x) v = from_bits(static_cast<uint32_t>(random.next()));
  std::erase_if(x, [](float v) { return !std::isnormal(v); });
  const std::vector<bfloat16> y = narrow(x);
  for (size_t i = 0; i < x.size(); ++i) ASSERT_EQ(y[i].bits, to_bfloat16(x[i]).bits) << x[i];
}

TEST_P(Simd, ReductionsSeeEveryLaneOnce) {
  for (int64_t n : {0, 1, 7, 8, 15, 16, 17, 31, 33, 100}) {
    std::vector<float> x;
    for (int64_t i = 0; i < n; ++i) x.push_back(static_cast<float>(i % 2 == 0 ? i : -i));
    double sum = 0, squares = 0, top = 0;
    for (float v : x) sum += v, squares += double{v} * double{v}, top = std::max(top, double{v});
    const ProbeSums got = [&] {
      ProbeSums s;
      with_isa(GetParam(), [&]<Isa isa>() { s = probe_sums<isa>(x.data(), n); });
      return s;
    }();
    EXPECT_EQ(got.sum, sum) << n;
    EXPECT_EQ(got.top, top) << n;
    EXPECT_EQ(got.squares, squares) << n;
  }
}

// A buffer whose last byte is the last before a page that faults.
class Guarded {
 public:
  Guarded() : page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))) {
    void* p = mmap(nullptr, 2 * page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) std::abort();
    start_ = static_cast<std::byte*>(p);
    mprotect(start_ + page_, page_, PROT_NONE);
  }
  ~Guarded() { munmap(start_, 2 * page_); }
  template <class T>
  T* last(int64_t n) {
    return reinterpret_cast<T*>(start_ + page_) - n;
  }

 private:
  size_t page_;
  std::byte* start_;
};

TEST_P(Simd, PartialLoadsAndStoresStayInside) {
  Guarded from, to, narrow_to;
  for (int64_t n = 0; n <= 40; ++n) {
    float *x = from.last<float>(n), *y = to.last<float>(n);
    bfloat16* z = narrow_to.last<bfloat16>(n);
    for (int64_t i = 0; i < n; ++i) x[i] = static_cast<float>(i + 1);
    y[-1] = -7;
    z[-1] = to_bfloat16(-7);
    with_isa(GetParam(), [&]<Isa isa>() { probe<isa>(Probe::kCopy, x, y, n); });
    EXPECT_EQ(std::memcmp(x, y, static_cast<size_t>(n) * 4), 0) << n;
    with_isa(GetParam(), [&]<Isa isa>() { probe_bfloat16<isa>(x, z, y, n); });
    EXPECT_EQ(std::memcmp(x, y, static_cast<size_t>(n) * 4), 0) << n;
    EXPECT_EQ(y[-1], -7) << n;
    EXPECT_EQ(to_float(z[-1]), -7) << n;
  }
}

}  // namespace
}  // namespace maru::kernels
