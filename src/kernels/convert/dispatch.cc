#include <algorithm>
#include <cstring>

#include "kernels/convert/convert.h"
#include "kernels/convert/reference.h"

namespace maru::kernels {
namespace {

constexpr int64_t kBytesPerTask = int64_t{1} << 18;

template <class F>
void for_blocks(CpuStream& stream, int64_t bytes, const F& f) {
  stream.pool->parallel_for(divide_up(bytes, kBytesPerTask), [&](int64_t task, int) {
    const int64_t first = task * kBytesPerTask;
    f(first, static_cast<size_t>(std::min(kBytesPerTask, bytes - first)));
  });
}

}  // namespace

template <class To, class From>
void convert(CpuStream& stream, const Convert<To, From>& a) {
  if constexpr (kIsSimd<To> && kIsSimd<From> && !std::is_same_v<To, From>) {
    with_isa(stream.isa, [&]<Isa isa>() { convert<isa>(*stream.pool, a); });
  } else {
    reference::convert(a);
  }
}

template <class T>
void fill(CpuStream& stream, const Fill<T>& a) {
  const T value = [&] {
    if constexpr (std::is_same_v<T, bfloat16>)
      return to_bfloat16(static_cast<float>(a.value));
    else
      return T(a.value);
  }();
  constexpr auto kBytes = static_cast<int64_t>(sizeof(T));
  for_blocks(stream, a.count * kBytes,
             [&](int64_t first, size_t bytes) { std::fill_n(a.y + first / kBytes, bytes / sizeof(T), value); });
}

void copy_bytes(CpuStream& stream, void* to, const void* from, int64_t bytes) {
  for_blocks(stream, bytes, [&](int64_t first, size_t count) {
    std::memcpy(static_cast<char*>(to) + first, static_cast<const char*>(from) + first, count);
  });
}

void zero_bytes(CpuStream& stream, void* to, int64_t bytes) {
  for_blocks(stream, bytes,
             [&](int64_t first, size_t count) { std::memset(static_cast<char*>(to) + first, 0, count); });
}

template void convert(CpuStream&, const Convert<bfloat16, float>&);
template void convert(CpuStream&, const Convert<float, bfloat16>&);
template void convert(CpuStream&, const Convert<double, float>&);
template void convert(CpuStream&, const Convert<float, double>&);
template void convert(CpuStream&, const Convert<double, bfloat16>&);
template void convert(CpuStream&, const Convert<bfloat16, double>&);
template void convert(CpuStream&, const Convert<double, std::complex<double>>&);
template void convert(CpuStream&, const Convert<std::complex<double>, double>&);
template void fill(CpuStream&, const Fill<float>&);
template void fill(CpuStream&, const Fill<bfloat16>&);
template void fill(CpuStream&, const Fill<double>&);
template void fill(CpuStream&, const Fill<std::complex<double>>&);

}  // namespace maru::kernels
