// What the methods of texts share: the loader, validation, figures.
#pragma once
#include <memory>

#include "models/text_model.h"
#include "train/method.h"
#include "train/objective.h"
#include "train/text_loader.h"

namespace maru::train {

/// What a method of texts trains.
struct TextsModel {
  std::unique_ptr<TextModel> texts;
  std::unique_ptr<Adapter> own;  // beside an encoder
  Adapter* adapter = nullptr;    // beside the model, which stays as it is; null: the model itself is trained
};

/// The decoder that the method is made for, or the encoder in init_from, with a classifier if the method ranks.
/// `scorer`: the decoder with a score; null: the decoder as it is.
TextsModel read_texts_model(const MethodInputs& inputs, RewardModel* scorer = nullptr);

class TextMethod : public Method {
 public:
  /// `together`: a sequence is a query and a document; otherwise a text.
  TextMethod(const MethodInputs& inputs, bool together);

  std::unique_ptr<BatchSource> source(const LoaderState& state) override;
  Figures take_figures() override;
  /// In micro-batches of the run's size, which say among how many documents the right one is looked for. An example
  /// that is left alone in one is not measured.
  Figures validate(StepMemory memory) override;
  /// A decoder's head is not there.
  int64_t unused_weights() const override {
    return in_.model == nullptr ? 0 : in_.config.model.vocab_size * in_.config.model.hidden_size;
  }
  bool reads_chats() const override { return false; }

 protected:
  virtual ScoredObjective& scored() = 0;
  /// Throws   kInvalidArgument when the tokenizer gives tokens a type that the model does not know.
  void check_types(const TextLimits& limits) const;
  /// An encoder that stays as it is.
  static HeldMemory held_beside(const TextsModel& read, Model& model);
  /// Makes what an adapter has learnt part of the model, which has values then.
  void merge(const TextsModel& read, Model& model) const;
  const TextForm form_;

 private:
  Objective& objective() override { return scored(); }
  const TextShape shape_;
};

}  // namespace maru::train
