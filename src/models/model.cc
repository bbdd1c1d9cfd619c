#include "models/model.h"

#include "models/tensor_files.h"

namespace maru {
namespace {

constexpr const char* kFile = "model.safetensors";

std::vector<NamedTensor> values_of(const std::vector<Parameter*>& parameters) {
  std::vector<NamedTensor> values;
  for (const Parameter* parameter : parameters) values.push_back({parameter->name, parameter->value});
  return values;
}

}  // namespace

void Model::name_parameters() {
  parameters_.clear();
  visit([this](const std::string& name, Parameter& parameter, Shape shape, ParameterRole role) {
    parameter.name = name;
    parameter.shape = shape;
    parameter.role = role;
    parameters_.push_back(&parameter);
  });
}

void Model::save(const fs::path& directory) {
  fs::create_directories(directory);
  save_tensors(directory / kFile, values_of(parameters_));
}

void Model::load(const fs::path& directory) { load_tensors(directory / kFile, values_of(parameters_)); }

}  // namespace maru
