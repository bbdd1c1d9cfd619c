#include "api/ollama/names.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/request_failure.h"

namespace maru::api::ollama {
namespace {

constexpr std::string_view kLatest = ":latest";

bool is_served(const std::string& id, const serving::ModelHost& models, const Principal& principal) {
  if (!principal.may_ask(id)) return false;
  const std::vector<serving::ServedName> names = models.names();
  return std::any_of(names.begin(), names.end(), [&](const serving::ServedName& name) { return name.id == id; });
}

}  // namespace

std::string listed_name(const std::string& id) {
  return id.find(':') == std::string::npos ? id + std::string(kLatest) : id;
}

std::string id_of(const std::string& name, const serving::ModelHost& models, const Principal& principal) {
  if (name.empty()) refuse("model is required", "model");
  if (!name.ends_with(kLatest) || is_served(name, models, principal)) return name;
  return name.substr(0, name.size() - kLatest.size());
}

}  // namespace maru::api::ollama
