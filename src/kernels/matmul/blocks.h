// How c is cut into blocks, whatever multiplies them.
#pragma once
#include "kernels/matmul/pack.h"

namespace maru::kernels {
namespace {

MARU_INLINE int64_t blocks_of(int64_t total, int64_t size) { return larger(1, divide_up(total, size)); }
MARU_INLINE int64_t round_up(int64_t x, int64_t unit) { return divide_up(x, unit) * unit; }

// More blocks, cutting the longer side while it has two `units`, until there are as many as wanted and every thread
// gets the same number.
template <class Plan>
void share_out(Plan& plan, int threads, int64_t wanted, int64_t unit, int64_t m, int64_t n) {
  for (int64_t blocks; (blocks = plan.row_blocks * plan.col_blocks) < wanted || blocks % threads != 0;) {
    const int64_t rows = m / plan.row_blocks, cols = n / plan.col_blocks;
    if (larger(rows, cols) < 2 * unit || blocks > 8 * wanted) return;
    ++(rows > cols ? plan.row_blocks : plan.col_blocks);
  }
}

}  // namespace
}  // namespace maru::kernels
