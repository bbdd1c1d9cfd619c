#include "api/nemo/resources.h"

#include <algorithm>
#include <array>

#include "api/nemo/entity_bodies.h"
#include "base/request_failure.h"
#include "http/json_body.h"

namespace maru::api::nemo {
namespace {

using Names = std::string_view[];

template <class Body>
constexpr Resource resource(std::string_view path, std::string_view type, std::string_view id, std::string_view doc,
                            std::span<const std::string_view> required = {},
                            std::span<const std::string_view> objects = {},
                            void (*apply)(Json&, Json, bool) = nullptr) {
  return {.path = path,
          .type = type,
          .id = id,
          .doc = doc,
          .required = required,
          .objects = objects,
          .read = [](const Json& body) { return to_json(http::read_fields<Body>(body)); },
          .schema = http::body_schema<Body>,
          .names = detail::names_of<Body>,
          .apply = apply};
}

void set_fields(Json& data, Json changes) {
  for (auto& [key, value] : changes.items()) data[key] = std::move(value);
}

bool is_name_or_object(const Json& value) { return value.is_string() || value.is_object(); }

/// Keys of other services would lie in the database as they are.
void apply_to_model(Json& data, Json changes, bool) {
  if (changes.contains("api_endpoint") && changes["api_endpoint"].contains("api_key"))
    refuse("api_endpoint.api_key: keys of other services are not kept here", "api_endpoint.api_key");
  if (changes.contains("base_model") && !is_name_or_object(changes["base_model"]))
    refuse("base_model: expected a name or an object", "base_model");
  set_fields(data, std::move(changes));
}

bool same_option(const Json& a, const Json& b) {
  for (const char* key : {"training_type", "finetuning_type"})
    if (a.value(key, "") != b.value(key, "")) return false;
  return true;
}

/// What a body says of options once: which there are; of a change also: which come and which go.
void apply_to_config(Json& data, Json changes, bool is_new) {
  if (changes.contains("target") && !is_name_or_object(changes["target"]))
    refuse("target: expected a name or an object", "target");
  Json added = Json::array(), removed = Json::array();
  for (auto& [key, list] :
       {std::pair<const char*, Json&>("add_training_options", added), {"remove_training_options", removed}})
    if (changes.contains(key)) {
      if (is_new) refuse(std::string(key) + ": is for changes", key);
      list = changes[key];
      changes.erase(key);
    }
  set_fields(data, std::move(changes));
  Json options = Json::array();
  for (const Json& option : data.value("training_options", Json::array()))
    if (std::ranges::none_of(removed, [&](const Json& gone) { return same_option(option, gone); }))
      options.push_back(option);
  for (Json& option : added) options.push_back(std::move(option));
  if (options.empty()) refuse("training_options: expected at least one", "training_options");
  for (size_t i = 0; i < options.size(); ++i)
    for (const char* key : {"training_type", "finetuning_type", "num_gpus", "micro_batch_size"})
      if (!options[i].contains(key))
        refuse(numbered("training_options", i) + "." + key + ": is missing",
               numbered("training_options", i) + "." + key, "missing");
  data["training_options"] = std::move(options);
}

constexpr Names kOfDataset = {"files_url"};
constexpr Names kOfModel = {"artifact.files_url",   "artifact.status",   "api_endpoint.url",   "api_endpoint.model_id",
                            "peft.finetuning_type", "spec.context_size", "spec.num_parameters"};
constexpr Names kObjectsOfModel = {"artifact", "api_endpoint", "peft", "spec", "prompt", "guardrails"};
constexpr Names kOfTarget = {"num_parameters", "precision"};
constexpr Names kOfConfig = {"max_seq_length", "training_options"};
constexpr Names kType = {"type"};

const std::array kResources{
    resource<NemoProject>("projects", "project", "project", "a project"),
    resource<NemoDataset>("datasets", "dataset", "dataset", "a dataset: where its files are", kOfDataset),
    resource<NemoModel>("models", "model", "model", "a model or an adapter: where its files are, what it is", kOfModel,
                        kObjectsOfModel, apply_to_model),
    resource<NemoTarget>("customization/targets", "customization_target", "cust-target", "a model that can be tuned",
                         kOfTarget),
    resource<NemoConfig>("customization/configs", "customization_config", "cust-config", "how a target may be tuned",
                         kOfConfig, {}, apply_to_config),
    resource<NemoEvaluationTarget>("evaluation/targets", "evaluation_target", "eval-target",
                                   "what can be evaluated (kept)", kType),
    resource<NemoEvaluationConfig>("evaluation/configs", "evaluation_config", "eval-config",
                                   "how something is evaluated (kept)", kType),
    resource<NemoGuardrailConfig>("guardrail/configs", "guardrail_config", "guardrail-config", "rails (kept)")};

}  // namespace

std::span<const Resource> resources() { return kResources; }

void check_required(const Resource& resource, const Json& body) {
  for (const std::string_view name : resource.required) {
    const size_t dot = name.find('.');
    const std::string first(name.substr(0, dot));
    const bool there =
        dot == name.npos ? body.contains(first) : !body.contains(first) || body[first].contains(name.substr(dot + 1));
    if (!there) refuse(std::string(name) + ": is missing", name, "missing");
  }
}

}  // namespace maru::api::nemo
