// What is trained of a model that scores texts, where the rest of it stays as it is.
#pragma once
#include <utility>
#include <vector>

#include "models/adapter.h"

namespace maru::train {

/// An adapter, and whole parameters of the model beside it: those of what makes the score.
class ScoredAdapter final : public Model {
 public:
  ScoredAdapter(Adapter& adapter, std::vector<Parameter*> scores)
      : Model(adapter.dtype()), adapter_(adapter), scores_(std::move(scores)) {
    name_parameters();
  }

 private:
  void visit(const Visitor& visitor) override {
    for (const auto& parameters : {adapter_.parameters(), scores_})
      for (Parameter* p : parameters) visitor(std::string(p->name), *p, p->shape, p->role);
  }
  Adapter& adapter_;
  const std::vector<Parameter*> scores_;
};

}  // namespace maru::train
