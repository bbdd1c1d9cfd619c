// Where the files of a model's architecture hold its parameters.
#pragma once
#include <map>
#include <span>
#include <string>

#include "models/decoder.h"
#include "models/weight_names.h"

namespace maru {

class Placement {
 public:
  explicit Placement(Decoder& model);
  /// The tensor that holds a parameter, by its name.
  WeightPlace place(const std::string& parameter) const { return place_of(parameter, rules_); }
  /// Where it lies in there. Throws std::out_of_range for a parameter that the model has not.
  StoredPart part(const std::string& parameter, const WeightPlace& place) const;

 private:
  std::span<const WeightRule> rules_;
  int64_t head_dim_;
  bool rotary_pairs_;
  std::map<std::string, Shape> shapes_;  // vectors as columns
};

}  // namespace maru
