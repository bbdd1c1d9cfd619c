#include "models/placement.h"

#include "models/registry.h"
#include "models/weights.h"

namespace maru {
namespace {

bool is_rotated(const std::string& parameter) {
  return parameter.find(".q_proj.") != std::string::npos || parameter.find(".k_proj.") != std::string::npos;
}

}  // namespace

Placement::Placement(Decoder& model)
    : rules_(family_of(model.config()).weights),
      head_dim_(model.config().head_dim),
      rotary_pairs_(model.has_rotary_pairs()) {
  for (Parameter* parameter : model.parameters())
    shapes_[parameter->name] = is_vector(parameter->role) ? Shape{parameter->shape.cols, 1} : parameter->shape;
}

StoredPart Placement::part(const std::string& parameter, const WeightPlace& place) const {
  StoredPart part{place.layout, shapes_.at(parameter), 0, 0, head_dim_};
  if (rotary_pairs_ && is_rotated(parameter)) part.layout = WeightLayout::kRotaryHalves;
  for (const std::string& other : place.parts) {
    if (other == parameter) part.first_row = part.total_rows;
    part.total_rows += shapes_.at(other).rows;
  }
  return part;
}

}  // namespace maru
