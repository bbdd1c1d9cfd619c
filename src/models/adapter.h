// A PEFT adapter beside a model's weights, which stay as they are, quantized or not.
#pragma once
#include <map>
#include <memory>
#include <string>

#include "formats/lora.h"
#include "models/decoder.h"

namespace maru {

/// What an adapter has for each parameter of one model, in memory and ready to be used. Several can be loaded beside
/// each other; a model has one attached at a time.
class Adapter {
 public:
  /// Converts to the model's dtype, splits what the model's files fuse (an adapter of "qkv_proj" has one a, and b's
  /// rows are those of q_proj, k_proj and v_proj) and takes DoRA's row lengths from the weights as they are. The model
  /// must be loaded, quantized if it is to be, and have no adapter attached; it is placed on the device. Gives a tied
  /// head a parameter of its own if the adapter changes it or the token table: as in PEFT, the other stays as it is.
  ///
  /// Throws   kDataLoss naming the tensor when the adapter was made for another model; kUnimplemented for adapters of
  ///          single experts and of learned positions.
  /// Cost     a few passes over the weights that DoRA changes; else nothing to speak of.
  Adapter(Device& device, Decoder& model, const formats::LoraAdapter& stored);
  Adapter(const Adapter&) = delete;

  /// Names of parameters that it changes or replaces.
  size_t size() const { return updates_.size() + replaced_.size(); }

 private:
  friend void attach_adapter(Decoder&, Adapter&);
  friend void detach_adapter(Decoder&, Adapter&);
  void exchange(Decoder& model);

  std::map<std::string, LoraWeights> updates_;
  std::map<std::string, Parameter> replaced_;  // while attached: the model's own
};

/// From now on the model answers with the adapter, which must outlive that.
void attach_adapter(Decoder& model, Adapter& adapter);
/// The model answers as before, bit for bit.
void detach_adapter(Decoder& model, Adapter& adapter);

/// Reads the adapter in `directory` and attaches it.
std::unique_ptr<Adapter> attach_adapter(Device& device, Decoder& model, const fs::path& directory);

/// Writes the model in `model` with the adapter's learning in its weights into the directory `out`, which exists
/// (formats::merge_adapter). Which of its matrices are [in, out] is known by the architecture, whatever the adapter's
/// fan_in_fan_out says; those of architectures that this build does not know are taken as a Linear's.
///
/// Throws   kUnimplemented for a model of unknown layout; what formats::merge_adapter throws.
void merge_into_model(const fs::path& model, const formats::LoraAdapter& adapter, const fs::path& out,
                      const std::function<void(uint64_t)>& progress = {});

}  // namespace maru
