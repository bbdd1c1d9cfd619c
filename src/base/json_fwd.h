// Forward declaration of Json, for headers.
#pragma once
#include <nlohmann/json_fwd.hpp>

namespace maru {
using Json = nlohmann::ordered_json;
}
