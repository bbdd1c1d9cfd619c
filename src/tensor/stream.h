// Where kernels run. A CPU-only build has one member; a device is another member, and every kernel another overload.
#pragma once
#include <variant>

#include "base/cpu_stream.h"

namespace maru {

using Stream = std::variant<CpuStream>;
/// Where algorithms run that no device takes over: packing of weights, calibration.
using HostStream = CpuStream;

}  // namespace maru
