// A product of two small blocks. Included by cpu.cc and amx.cc only.
//
// The right factor is a panel: depth steps of one word per column (simd/words.h). The left factor is row-major, so that
// a step of its row is one word as well.
#pragma once
#include "kernels/attention/plan.h"
#include "kernels/simd/words.h"

namespace maru::kernels {
namespace {

enum class Start { kZero, kAdd, kRescale };

/// c = start + a · b, where start is nothing, c, or c with row r times rescale[r]. Every element is summed in order of
/// depth, whatever tile it falls into. Strides and depth in words.
struct Product {
  const Word* a;
  int64_t lda;
  const Word* b;
  int64_t ldb;
  int64_t depth;
  float* c;
  int64_t ldc, cols;
  Start start = Start::kZero;
  const float* rescale = nullptr;
  const Word* next = nullptr;  // another panel to fetch into the cache meanwhile
};

}  // namespace
}  // namespace maru::kernels
