// Forward declaration of Json, for headers.
#pragma once
#include <nlohmann/json_fwd.hpp>

namespace maru {
template <class Key, class T, class IgnoredLess, class IgnoredAllocator>
class OrderedMap;
using Json = nlohmann::basic_json<OrderedMap>;
}  // namespace maru
