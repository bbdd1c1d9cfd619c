// Forward declarations of Json and its reader, for headers.
#pragma once
#include <nlohmann/json_fwd.hpp>

namespace maru {
template <class Key, class T, class IgnoredLess, class IgnoredAllocator>
class OrderedMap;
using Json = nlohmann::basic_json<OrderedMap>;
class JsonNode;
}  // namespace maru
