#include "infer/token_weights.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>

#include "base/error.h"

namespace maru::infer {
namespace {

// Four at a time; compilers make the one instruction of it that every machine of 64 bits has.
using F4 = float __attribute__((vector_size(16)));
using U4 = uint32_t __attribute__((vector_size(16)));

F4 load(const float* from) {
  F4 x;
  std::memcpy(&x, from, sizeof(x));
  return x;
}

F4 all(float x) { return F4{x, x, x, x}; }

bool any(U4 mask) {
  const auto halves = std::bit_cast<std::array<uint64_t, 2>>(mask);
  return (halves[0] | halves[1]) != 0;
}

// exp(x) = 2^n exp(r) with r within ±ln(2)/2, where the Taylor polynomial of degree 7 is exact to a float. x is at most
// 0; below exp(-87) a float has no normal numbers.
F4 exp_of(F4 x) {
  const F4 round = all(12582912.0f);  // 1.5 * 2^23: adding it leaves no room for fractions
  const F4 shifted = x * all(1.44269504f) + round;
  const F4 n = shifted - round;
  const F4 r = (x - n * all(0.693359375f)) - n * all(-2.12194440e-4f);  // ln(2) in two parts
  F4 p = all(1.0f / 5040);
  for (const float factor : {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f}) p = p * r + all(factor);
  const F4 power = std::bit_cast<F4>((std::bit_cast<U4>(shifted) << 23) + 0x3f800000u);
  return x < all(-87.0f) ? all(0.0f) : p * power;
}

constexpr size_t kBlock = 256;  // sums in floats are no longer

double sum_of(F4 a) {
  double sum = 0;
  for (int i = 0; i < 4; ++i) sum += static_cast<double>(a[i]);
  return sum;
}

// Calls f(i) for every value of at least `lowest`, in order; f may raise `lowest`. Quick where few are: sixteen that
// are less cost one look.
template <class F>
void for_each_from(std::span<const float> values, float& lowest, F&& f) {
  constexpr size_t kLook = 16;
  size_t i = 0;
  for (; i + kLook <= values.size(); i += kLook) {
    U4 found{};
    for (size_t k = 0; k < kLook; k += 4) found |= std::bit_cast<U4>(load(&values[i + k]) >= all(lowest));
    if (!any(found)) continue;
    for (size_t k = i; k < i + kLook; ++k)
      if (values[k] >= lowest) f(k);
  }
  for (; i < values.size(); ++i)
    if (values[i] >= lowest) f(i);
}

/// The likeliest of a few, in the middle: quick where they come in order too.
Candidate pivot_of(std::span<const Candidate> some) {
  Candidate three[] = {some.front(), some[some.size() / 2], some.back()};
  std::sort(three, three + 3, is_likelier);
  return three[1];
}

/// The last candidate of the nucleus.
Candidate last_of_nucleus(std::span<Candidate> left, double wanted) {
  while (left.size() > 1) {
    const Candidate pivot = pivot_of(left);
    const auto middle =
        std::partition(left.begin(), left.end(), [&](const Candidate& c) { return is_likelier(c, pivot); });
    const auto likelier = static_cast<size_t>(middle - left.begin());
    const double sum = total_of(left.first(likelier));
    if (likelier > 0 && sum >= wanted) {
      left = left.first(likelier);
      continue;
    }
    wanted -= sum + static_cast<double>(pivot.weight);
    if (wanted <= 0 || left.size() == likelier + 1) return pivot;
    const auto at = std::find_if(middle, left.end(), [&](const Candidate& c) { return c.token == pivot.token; });
    std::iter_swap(middle, at);
    left = left.subspan(likelier + 1);
  }
  return left.front();
}

/// Keeps the `count` likeliest and returns the weight of the last.
float keep_likeliest(std::vector<Candidate>& candidates, size_t count) {
  if (count == 0 || candidates.size() < count) return 0;
  const auto last = candidates.begin() + static_cast<ptrdiff_t>(count) - 1;
  std::nth_element(candidates.begin(), last, candidates.end(), is_likelier);
  candidates.resize(count);
  return candidates.back().weight;
}

}  // namespace

float highest_of(std::span<const float> logits) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  F4 highest = all(-kInfinity);
  U4 bad{};
  const auto look = [&](F4 x) {
    const U4 bits = std::bit_cast<U4>(x);
    bad |= std::bit_cast<U4>((bits & 0x7f800000u) == 0x7f800000u) & std::bit_cast<U4>(bits != 0xff800000u);
    highest = x > highest ? x : highest;
  };
  size_t i = 0;
  for (; i + 4 <= logits.size(); i += 4) look(load(&logits[i]));
  for (; i < logits.size(); ++i) look(all(logits[i]));
  const float result = std::max(std::max(highest[0], highest[1]), std::max(highest[2], highest[3]));
  if (any(bad) || result == -kInfinity) throw Failure(ErrorCode::kInternal, "the model's logits are not finite");
  return result;
}

std::vector<int32_t> highest_ids(std::span<const float> logits, size_t count) {
  std::vector<int32_t> ids;
  if (count == 0) return ids;
  const auto higher = [&](size_t a, int32_t b) { return logits[a] > logits[static_cast<size_t>(b)]; };
  float lowest = -std::numeric_limits<float>::infinity();
  for_each_from(logits, lowest, [&](size_t i) {
    if (ids.size() == count && !higher(i, ids.back())) return;
    if (ids.size() == count) ids.pop_back();
    ids.insert(std::upper_bound(ids.begin(), ids.end(), i, higher), static_cast<int32_t>(i));
    if (ids.size() == count) lowest = logits[static_cast<size_t>(ids.back())];
  });
  return ids;
}

void TokenWeights::reserve(size_t vocab_size) {
  values_.reserve(vocab_size);
  block_sums_.reserve(vocab_size / kBlock + 1);
}

void TokenWeights::fill(std::span<const float> logits, float highest, double temperature) {
  const F4 top = all(highest);
  const F4 inverse = all(static_cast<float>(std::min<double>(1 / temperature, std::numeric_limits<float>::max())));
  values_.resize(logits.size());
  block_sums_.clear();
  total_ = 0;
  for (size_t begin = 0; begin < logits.size(); begin += kBlock) {
    const size_t end = std::min(logits.size(), begin + kBlock);
    F4 sums{};
    size_t i = begin;
    for (; i + 4 <= end; i += 4) {
      const F4 weights = exp_of((load(&logits[i]) - top) * inverse);
      std::memcpy(&values_[i], &weights, sizeof(weights));
      sums += weights;
    }
    for (; i < end; ++i) {
      values_[i] = exp_of((all(logits[i]) - top) * inverse)[0];
      sums[0] += values_[i];
    }
    total_ += block_sums_.emplace_back(sum_of(sums));
  }
}

int32_t TokenWeights::at_share(double share) const {
  double left = share * total_;
  size_t block = 0;
  while (block + 1 < block_sums_.size() && left >= block_sums_[block]) left -= block_sums_[block++];
  for (size_t i = block * kBlock; i < values_.size(); ++i)
    if ((left -= static_cast<double>(values_[i])) < 0) return static_cast<int32_t>(i);
  size_t last = values_.size() - 1;  // rounding has gone behind the last that is possible
  while (values_[last] == 0) --last;
  return static_cast<int32_t>(last);
}

void append_from(std::span<const float> weights, float lowest, std::vector<Candidate>& to) {
  lowest = std::max(lowest, std::numeric_limits<float>::min());
  for_each_from(weights, lowest, [&](size_t i) { to.push_back({weights[i], static_cast<int32_t>(i)}); });
}

void append_likeliest(std::span<const float> weights, size_t count, std::vector<Candidate>& to) {
  float lowest = std::numeric_limits<float>::min();
  const size_t most = count < weights.size() ? std::max<size_t>(64, 4 * count) : weights.size() + 1;
  for_each_from(weights, lowest, [&](size_t i) {
    to.push_back({weights[i], static_cast<int32_t>(i)});
    if (to.size() >= most) lowest = std::max(lowest, keep_likeliest(to, count));
  });
  keep_likeliest(to, count);
}

double total_of(std::span<const Candidate> candidates) {
  double sum = 0;
  for (const Candidate& candidate : candidates) sum += static_cast<double>(candidate.weight);
  return sum;
}

void keep_nucleus(std::vector<Candidate>& candidates, double wanted) {
  if (candidates.empty()) return;
  const Candidate last = last_of_nucleus(candidates, wanted);
  std::erase_if(candidates, [&](const Candidate& c) { return is_likelier(last, c); });
}

}  // namespace maru::infer
