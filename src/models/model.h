// What is trained, stored, placed and rounded: anything with named parameters.
#pragma once
#include <vector>

#include "base/file.h"
#include "nn/layers.h"
#include "tensor/device.h"

namespace maru {

/// Whoever derives from it describes its parameters in `visit` and calls name_parameters at the end of its constructor.
class Model {
 public:
  Model(const Model&) = delete;
  virtual ~Model() = default;

  /// Each once, in the order of visit, with name, shape and role.
  const std::vector<Parameter*>& parameters() { return parameters_; }
  /// That of weights and activations.
  Dtype dtype() const { return dtype_; }
  /// Takes what it computes with beside its parameters to a device.
  virtual void place_tables(Device&) {}
  /// Writes the values into a directory, which is made; by default as model.safetensors, under the parameters' names.
  /// What load reads.
  virtual void save(const fs::path& directory);
  /// Reads them into the memory that the parameters have.
  ///
  /// Throws   kNotFound, kDataLoss naming the file and the tensor that is missing, of another shape or damaged.
  virtual void load(const fs::path& directory);

 protected:
  explicit Model(Dtype dtype) : dtype_(dtype) {}
  virtual void visit(const Visitor&) = 0;
  /// Again whenever visit sees other parameters than before.
  void name_parameters();

 private:
  Dtype dtype_;
  std::vector<Parameter*> parameters_;
};

}  // namespace maru
