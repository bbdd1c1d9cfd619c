// Attention over pages of 8 bits: the bits of attention over full pages whose keys and values have been through 8 bits.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <vector>

#include "base/isa.h"
#include "base/random.h"
#include "base/thread_pool.h"
#include "kernels/attention/attention.h"

namespace maru::kernels {
namespace {

constexpr int64_t kRows = 150, kPages = 3;

void set(float& to, float x) { to = x; }
void set(bfloat16& to, float x) { to = to_bfloat16(x); }

template <class T>
struct Attended {
  AttentionShape shape;
  ThreadPool pool{2};
  CpuStream stream;
  std::vector<T> q, k, v, out;
  std::vector<std::byte> memory, scratch;

  explicit Attended(const AttentionShape& s, Isa isa = best_isa()) : shape(s), stream{&pool, isa} {
    Random random(3);
    const auto fill = [&](std::vector<T>& to, int64_t cols) {
      to.resize(static_cast<size_t>(kRows * cols));
      for (T& x : to) set(x, static_cast<float>(random.normal()));
    };
    fill(q, s.heads * s.head_dim), fill(k, s.kv_heads * s.head_dim), fill(v, s.kv_heads * s.head_dim);
    out.resize(q.size());
  }
  /// All rows, in chunks.
  const std::vector<T>& attend(int64_t chunk) {
    const int64_t page = shape.int8_pages
                             ? int8_page_bytes(shape.kv_heads, shape.head_dim)
                             : page_elements(shape.kv_heads, shape.head_dim) * static_cast<int64_t>(sizeof(T));
    memory.assign(static_cast<size_t>(kPages * page + 64), std::byte{0xff});
    auto* first = reinterpret_cast<T*>(memory.data() + (64 - reinterpret_cast<uintptr_t>(memory.data()) % 64) % 64);
    scratch.resize(static_cast<size_t>(attention_forward_scratch_bytes<T>(stream, shape, 1)));
    const PageTable<T> pages{first, page / static_cast<int64_t>(sizeof(T)), nullptr};
    for (int64_t row = 0; row < kRows; row += chunk) {
      const AttentionSpan span{row, std::min(chunk, kRows - row), row, 0};
      append_keys<T>(stream, {.shape = shape,
                              .k = k.data(),
                              .v = v.data(),
                              .k_stride = shape.kv_heads * shape.head_dim,
                              .v_stride = shape.kv_heads * shape.head_dim,
                              .pages = pages,
                              .spans = &span,
                              .num_spans = 1});
      attention_forward<T>(stream, {.shape = shape,
                                    .out = out.data(),
                                    .out_stride = shape.heads * shape.head_dim,
                                    .lse = nullptr,
                                    .q = q.data(),
                                    .q_stride = shape.heads * shape.head_dim,
                                    .pages = {pages.memory, pages.stride, pages.ids},
                                    .spans = &span,
                                    .num_spans = 1,
                                    .scratch = scratch.data()});
    }
    return out;
  }
};

/// Through 8 bits and back, in the plainest way.
template <class T>
void round_rows(std::vector<T>& x, int64_t head_dim) {
  for (size_t begin = 0; begin < x.size(); begin += static_cast<size_t>(head_dim)) {
    const std::span<T> row(x.data() + begin, static_cast<size_t>(head_dim));
    float greatest = 0;
    for (const T value : row) greatest = std::max(greatest, std::abs(to_float(value)));
    const float scale = greatest / 127, inverse = 1 / scale;
    for (T& value : row) set(value, std::nearbyint(to_float(value) * inverse) * scale);
  }
}

template <class T>
void expect_the_same(AttentionShape shape, Isa isa) {
  Attended<T> full(shape, isa), expected(shape, isa);
  shape.int8_pages = true;
  Attended<T> packed(shape, isa);
  round_rows(expected.k, shape.head_dim), round_rows(expected.v, shape.head_dim);
  const std::vector<T> whole = packed.attend(kRows);
  const auto same = [&](const std::vector<T>& other) {
    return std::memcmp(whole.data(), other.data(), whole.size() * sizeof(T)) == 0;
  };
  EXPECT_TRUE(same(expected.attend(kRows)));
  EXPECT_FALSE(same(full.attend(kRows))) << "nothing was rounded";
  for (const int64_t chunk : {1, 7, 64, 100}) EXPECT_TRUE(same(packed.attend(chunk))) << chunk;
}

TEST(Int8Pages, AreAttendedToAsWhatTheyHold) {
  for (const AttentionShape& shape : {AttentionShape{1, 1, 2, 1}, AttentionShape{4, 2, 64, 0.125},
                                      AttentionShape{10, 2, 20, 0.2}, AttentionShape{2, 2, 128, 0.1, true, 70, 5}}) {
    for (const Isa isa : supported_isas()) {
      SCOPED_TRACE(name_of(isa));
      expect_the_same<float>(shape, isa);
      expect_the_same<bfloat16>(shape, isa);
    }
  }
}

TEST(Int8Pages, WhatIsNotFiniteStaysSo) {
  AttentionShape shape{1, 1, 8, 1};
  shape.int8_pages = true;
  for (const float bad : {NAN, INFINITY}) {
    Attended<float> run(shape);
    run.k[8 * 20 + 3] = bad;
    EXPECT_FALSE(std::isfinite(run.attend(kRows)[8 * 20]));
  }
}

TEST(Int8Pages, ARowOfZerosIsOne) {
  AttentionShape shape{1, 1, 8, 1};
  shape.int8_pages = true;
  Attended<float> run(shape);
  std::fill(run.v.begin(), run.v.end(), 0.0f);
  for (const float x : run.attend(kRows)) EXPECT_EQ(0, x);
}

}  // namespace
}  // namespace maru::kernels
