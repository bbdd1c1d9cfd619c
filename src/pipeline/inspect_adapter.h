// What can be said about a PEFT adapter's directory without the model that it is for.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "pipeline/inspect.h"

namespace maru::pipeline {

struct AdapterInspection {
  std::string path, method, base_model, task;
  int64_t parameters = 0, tensors = 0;
  std::map<int64_t, int64_t> ranks;        // rank: how many matrices
  std::map<std::string, int64_t> scales;   // alpha / rank or alpha / √rank, as text: how many matrices
  std::map<std::string, int64_t> modules;  // last part of a module's name: how many
  std::vector<std::string> replaced;       // tensors that are replaced, not added to
  std::map<std::string, DtypeCount> dtypes;
  Licence licence;
  std::vector<std::string> foreign;  // origins, for those of this home
  std::string obstacle;              // why it cannot be used; empty: it can, beside the model that it was made for
};

/// Throws   kNotFound or kDataLoss when not even the headers can be read.
AdapterInspection inspect_adapter(const fs::path& directory);
Json to_json(const AdapterInspection& inspection);

}  // namespace maru::pipeline
