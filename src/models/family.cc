#include "models/family.h"

namespace maru {

HuggingFaceConfig::HuggingFaceConfig(const Json& json, std::string_view defaults, std::string where)
    : json_(parse_json(defaults, "registry").value()), where_(std::move(where)) {
  json_.update(json);
}

void HuggingFaceConfig::refuse(const std::string& what) const {
  throw Failure(ErrorCode::kUnimplemented, where_ + ": " + what);
}

}  // namespace maru
