#include "pipeline/workplace.h"

#include <fmt/format.h>

#include "base/isa.h"
#include "kernels/ceiling/ceiling.h"

namespace maru::pipeline {

ThreadPool& Machine::pool() {
  if (!pool_) pool_ = std::make_unique<ThreadPool>(threads_);
  return *pool_;
}

Device& Machine::device() {
  if (!device_) device_ = std::make_unique<CpuDevice>(&pool(), parse_isa(isa_));
  return *device_;
}

std::string Machine::text() {
  const Isa chosen = device().host().isa;
  return fmt::format("{}, {} thread{}", name_of(chosen), pool().size(), pool().size() == 1 ? "" : "s");
}

double Machine::ceiling_flops(Dtype dtype) {
  return device().launch([&](auto& s) {
    return dtype == Dtype::kBf16 ? kernels::measure_flops<bfloat16>(s) : kernels::measure_flops<float>(s);
  });
}

}  // namespace maru::pipeline
