// Where CPU kernels run: a pool and an instruction set. Kernels are overloaded on the stream type,
// so that a kernel missing for an enabled device fails to compile.
#pragma once
#include "base/isa.h"
#include "base/thread_pool.h"

namespace maru {

struct CpuStream {
  ThreadPool* pool;  // not owned
  Isa isa = best_isa();
};

}  // namespace maru
