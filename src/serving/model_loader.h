// From a model or an adapter on disk to what a host takes.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "infer/loaded_encoder.h"
#include "serving/model_facts.h"
#include "serving/served_model.h"

namespace maru::serving {

struct HostOptions;

/// A model to load. An empty id: the directory's name.
struct ModelSource {
  fs::path path;
  std::string id;
  fs::path draft = {};  // a model of the same tokens that guesses for it; empty: none
};

/// A PEFT adapter to load. An empty id: the directory's name. An empty model: the one that its configuration names, if
/// that is here, else the first.
struct AdapterSource {
  fs::path path;
  std::string id, model;
};

/// What is known of a model before it is loaded.
struct StoredModel {
  std::string id;
  bool encoder = false;
  ModelFacts facts;
  int64_t bytes = 0;  // of memory that it will take, about: weights as they are stored, and pages
};
/// Throws   what reading a configuration throws.
StoredModel describe(const ModelSource& source, const HostOptions& options);

using LoadedParts = std::variant<ModelParts, std::unique_ptr<infer::LoadedEncoder>>;
/// `loader` packs weights; null: the device's own pool, which nothing else may use meanwhile.
///
/// Throws   what LoadedModel and LoadedEncoder throw; kInvalidArgument for a draft model of other tokens.
LoadedParts load_parts(const ModelSource& source, const HostOptions& options, Device& device, ThreadPool* loader);

/// Its own id, or its directory's name.
std::string id_of(const AdapterSource& source);
/// What its configuration says that it was made for, the last part of that name; empty: it does not say.
std::string model_of(const AdapterSource& source);
/// Bytes of its file.
int64_t stored_bytes(const AdapterSource& source);
/// The caller has the device to itself: nothing computes with the model meanwhile.
///
/// Throws   what Adapter throws.
AdapterParts load_adapter_parts(const AdapterSource& source, const ServedModel& model, Device& device);

}  // namespace maru::serving
