// Which rows of a batch see which adapter.
#pragma once
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "ops/lora_weights.h"

namespace maru {

/// What an adapter has beside and in place of a model's parameters.
struct AdapterWeights {
  std::unordered_map<const Parameter*, LoraWeights> updates;
  std::unordered_map<const Parameter*, Parameter> replacements;

  LoraWeights* update(const Parameter& p) { return find(updates, p); }
  Parameter* replacement(const Parameter& p) { return find(replacements, p); }

 private:
  template <class Map>
  static typename Map::mapped_type* find(Map& map, const Parameter& p) {
    const auto it = map.empty() ? map.end() : map.find(&p);
    return it == map.end() ? nullptr : &it->second;
  }
};

/// Rows that come one behind the other.
struct AdapterRun {
  int64_t rows = 0;
  AdapterWeights* adapter = nullptr;  // null: the model as it is
};

/// All rows of a batch, in order; neighbours differ. One run: all rows there are, whatever `rows` says.
using AdapterRuns = std::vector<AdapterRun>;

/// Appends rows to the last run, or as a new one.
inline void add_rows(AdapterRuns& runs, int64_t rows, AdapterWeights* adapter) {
  if (runs.empty() || runs.back().adapter != adapter) runs.push_back({0, adapter});
  runs.back().rows += rows;
}

}  // namespace maru
