#include "pipeline/workplace.h"

#include <fmt/format.h>

#include "base/isa.h"
#include "kernels/ceiling/ceiling.h"

namespace maru::pipeline {

ThreadPool& Machine::pool() {
  if (!pool_) pool_ = std::make_unique<ThreadPool>(threads_);
  return *pool_;
}

Stream& Machine::stream() {
  if (!stream_) stream_ = std::make_unique<Stream>(CpuStream{&pool(), parse_isa(isa_)});
  return *stream_;
}

std::string Machine::text() {
  const Isa chosen = std::visit([](const CpuStream& s) { return s.isa; }, stream());
  return fmt::format("{}, {} thread{}", name_of(chosen), pool().size(), pool().size() == 1 ? "" : "s");
}

double Machine::ceiling_flops(Dtype dtype) {
  return std::visit(
      [&](CpuStream& s) {
        return dtype == Dtype::kBf16 ? kernels::measure_flops<bfloat16>(s) : kernels::measure_flops<float>(s);
      },
      stream());
}

}  // namespace maru::pipeline
