#include "models/family.h"

namespace maru {

HuggingFaceConfig::HuggingFaceConfig(const Json& json, std::string_view defaults, std::string where)
    : json_(parse_json(defaults, "registry").value()), where_(std::move(where)) {
  json_.update(json);
}

const Json& HuggingFaceConfig::at(std::string_view key) const {
  static const Json kNull;
  const auto it = json_.find(key);
  return it == json_.end() ? kNull : *it;
}

void HuggingFaceConfig::refuse(const std::string& what) const {
  throw Failure(ErrorCode::kUnimplemented, where_ + ": " + what);
}

}  // namespace maru
