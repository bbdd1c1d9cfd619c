// A trained adapter as PEFT's files: adapter_config.json and adapter_model.safetensors (F32).
#pragma once
#include <string>
#include <vector>

#include "models/adapter.h"

namespace maru {

/// The matrices inside the model's blocks that the configuration names, by the last part of their module's name here or
/// in the files, in the order of the model. Single experts and what scores them are none.
///
/// Throws   kInvalidArgument for a name that no matrix has, with those that can be had.
std::vector<const Parameter*> lora_targets(Decoder& model, const LoraConfig& config);
/// Of an encoder, by the last part of the name in the files or by all of it behind the block's number: query, or
/// intermediate.dense.
std::vector<const Parameter*> lora_targets(Encoder& model, const LoraConfig& config);

/// The parameters of the modules that the configuration wants trained whole: of the token table, of the head, by their
/// names here or in the files, in the order of the model.
///
/// Throws   kInvalidArgument for another module, or one that there is not apart; kUnimplemented for quantized ones.
std::vector<const Parameter*> saved_whole(Decoder& model, const LoraConfig& config);

/// Writes what an adapter made for `config` has learnt. `base`: where the model that it belongs to is.
///
/// Parameters that the files fuse into one tensor have one update there, of all ranks together: their a above each
/// other, each b in rows and columns of its own. Modules trained whole are written so. `score`: learnt beside it, in
/// place of the model's head; the adapter is then one of PEFT's sequence classifiers.
void save_adapter(Decoder& model, Adapter& adapter, const LoraConfig& config, const std::string& base,
                  const fs::path& directory, const Parameter* score = nullptr);

}  // namespace maru
