// A PEFT adapter beside a model's weights, which stay as they are, quantized or not.
#pragma once
#include <functional>
#include <vector>

#include "formats/lora.h"
#include "models/decoder.h"
#include "models/encoder.h"
#include "models/lora_config.h"

namespace maru {

/// What an adapter has for parameters of one model, in memory and ready to be used: parameters themselves, beside those
/// of the model, which stay as they are. Rows of a batch see it where Context::adapters says so, several beside each
/// other; trained as any Model is.
class Adapter final : public Model {
 public:
  /// Converts to the model's dtype, splits what the model's files fuse (an adapter of "qkv_proj" has one a, and b's
  /// rows are those of q_proj, k_proj and v_proj) and takes DoRA's row lengths from the weights as they are. The model
  /// must be loaded, quantized if it is to be; it is placed on the device and must outlive the adapter. Gives a tied
  /// head a parameter of its own if the adapter changes it or the token table: as in PEFT, the other stays as it is.
  ///
  /// Throws   kDataLoss naming the tensor when the adapter was made for another model; kUnimplemented for adapters of
  ///          single experts and of learned positions.
  /// Cost     a few passes over the weights that DoRA changes; else nothing to speak of.
  Adapter(Device& device, Decoder& model, const formats::LoraAdapter& stored);
  /// The adapter in a directory.
  Adapter(Device& device, Decoder& model, const fs::path& directory)
      : Adapter(device, model, formats::LoraAdapter(directory)) {}

  /// One that changes nothing yet, to be trained: a is Kaiming uniform (a = √5, as PEFT begins), b is zero, lengths of
  /// rows are as they are. Each matrix's numbers depend on the seed and its name alone. It copies modules_to_save, and
  /// a tied head becomes a parameter of its own, as above.
  ///
  /// Throws   kInvalidArgument for a target that the model has not, naming those that it has; with use_dora for a
  ///          matrix with a row of zeros, which has no direction; kUnimplemented for one to save that is quantized.
  Adapter(Device& device, Decoder& model, const LoraConfig& config, uint64_t seed);
  /// The same beside an encoder, of which no module can be trained whole.
  Adapter(Device& device, Encoder& model, const LoraConfig& config, uint64_t seed);

  /// How many of the model's parameters it changes or replaces.
  size_t size() const { return changed_.size(); }
  AdapterWeights& weights() { return weights_; }
  /// A number that no other adapter of this process has had.
  uint64_t serial() const { return serial_; }
  /// For batches all of whose rows use it.
  const AdapterRuns& everywhere() const { return everywhere_; }

 private:
  void visit(const Visitor&) override;
  void begin(Device& device, const std::vector<const Parameter*>& targets, const LoraConfig& config, uint64_t seed);
  const uint64_t serial_;
  AdapterWeights weights_;
  std::vector<const Parameter*> changed_;  // in the order of the model's
  AdapterRuns everywhere_{{0, &weights_}};
};

/// Makes an adapter's learning part of a model's values in memory; the adapter, which was made for it, is of no use
/// with it any more. Sums are f32 and rounded once.
///
/// Throws   kInvalidArgument for a model whose weights are quantized (dequantize_weights first).
void merge_adapter(Device& device, Model& model, Adapter& adapter);

/// Writes the model in `model` with the adapter's learning in its weights into the directory `out`, which exists
/// (formats::merge_adapter). Which of its matrices are [in, out] is known by the architecture, whatever the adapter's
/// fan_in_fan_out says; those of architectures that this build does not know are taken as a Linear's.
///
/// Throws   kUnimplemented for a model of unknown layout; what formats::merge_adapter throws.
void merge_into_model(const fs::path& model, const formats::LoraAdapter& adapter, const fs::path& out,
                      const std::function<void(uint64_t)>& progress = {});

}  // namespace maru
