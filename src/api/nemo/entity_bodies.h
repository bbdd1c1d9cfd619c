// What a client may say of an entity, with the names and the words of NeMo microservices 25.x. The same fields make an
// entity and change it: what must be there to make one is listed in resources.cc.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/fields.h"
#include "base/json.h"

namespace maru::api::nemo {

struct NemoOwnership {
  std::optional<std::string> created_by, updated_by;
  std::map<std::string, std::string> access_policies;
  static constexpr auto fields() {
    using C = NemoOwnership;
    return std::tuple{field("created_by", &C::created_by, "kept as said; who it was is said by the key").unless_empty(),
                      field("updated_by", &C::updated_by, "likewise").unless_empty(),
                      field("access_policies", &C::access_policies, "kept as said, for other programs").unless_empty()};
  }
};

/// What all entities have.
struct NemoEntity {
  std::string namespace_, name, project;
  std::optional<std::string> description, schema_version;
  std::map<std::string, Json> custom_fields;
  std::optional<NemoOwnership> ownership;
  static constexpr auto common_fields() {
    using C = NemoEntity;
    return std::tuple{field("namespace", &C::namespace_, "the workspace it is in; without: that of the key, or default")
                          .unless_empty(),
                      field("name", &C::name, "unlike any other of its type there; without: its id").unless_empty(),
                      field("project", &C::project, "it belongs to").unless_empty(),
                      field("description", &C::description, "for people").unless_empty(),
                      field("custom_fields", &C::custom_fields, "whatever its owner wants to keep").unless_empty(),
                      field("ownership", &C::ownership, "whose it is").unless_empty(),
                      field("schema_version", &C::schema_version, "accepted").unless_empty()};
  }
};

struct NemoProject : NemoEntity {
  static constexpr auto fields() { return common_fields(); }
};

struct NemoDataset : NemoEntity {
  std::optional<std::string> files_url, format, hf_endpoint, split;
  std::optional<int64_t> limit;
  static constexpr auto fields() {
    using C = NemoDataset;
    return std::tuple_cat(
        common_fields(),
        std::tuple{
            field("files_url", &C::files_url, "hf://datasets/NAMESPACE/NAME: a repository of this server")
                .unless_empty(),
            field("format", &C::format, "what its lines are, in the words of its owner").unless_empty(),
            field("hf_endpoint", &C::hf_endpoint, "kept as said: files are read from this server").unless_empty(),
            field("split", &C::split, "train, validation, test …").unless_empty(),
            field("limit", &C::limit, "of lines to be used").range(0, 1e15).unless_empty()});
  }
};

struct NemoArtifact {
  std::optional<std::string> files_url, status, backend_engine, gpu_arch, precision;
  std::optional<int64_t> tensor_parallelism;
  static constexpr auto fields() {
    using C = NemoArtifact;
    return std::tuple{
        field("files_url", &C::files_url, "where the files are: hf://NAMESPACE/NAME[@REVISION]").unless_empty(),
        field("status", &C::status, "of the upload").one_of("created|upload_failed|upload_completed").unless_empty(),
        field("backend_engine", &C::backend_engine, "that the files are of")
            .one_of("nemo|trt_llm|vllm|faster_transformer|hugging_face")
            .unless_empty(),
        field("gpu_arch", &C::gpu_arch, "kept as said").unless_empty(),
        field("precision", &C::precision, "of the weights")
            .one_of("int8|bf16|fp16|fp32|fp8-mixed|bf16-mixed")
            .unless_empty(),
        field("tensor_parallelism", &C::tensor_parallelism, "kept as said").range(1, 4096).unless_empty()};
  }
};

struct NemoApiEndpoint {
  std::optional<std::string> url, model_id, api_key, format;
  static constexpr auto fields() {
    using C = NemoApiEndpoint;
    return std::tuple{field("url", &C::url, "kept as said: this server calls no other").unless_empty(),
                      field("model_id", &C::model_id, "the model's name there").unless_empty(),
                      field("api_key", &C::api_key, "refused: keys of other services are not kept here").unless_empty(),
                      field("format", &C::format, "of its requests").one_of("nim|openai|lama_stack").unless_empty()};
  }
};

struct NemoLora {
  std::optional<int64_t> alpha;
  std::optional<bool> apply_lora_to_mlp, apply_lora_to_output;
  static constexpr auto fields() {
    using C = NemoLora;
    return std::tuple{
        field("alpha", &C::alpha, "how strongly it changes its base").range(0, 1e9).unless_empty(),
        field("apply_lora_to_mlp", &C::apply_lora_to_mlp, "whether the feed-forward layers are adapted").unless_empty(),
        field("apply_lora_to_output", &C::apply_lora_to_output, "whether the last layer is").unless_empty()};
  }
};

struct NemoPeft {
  std::optional<std::string> finetuning_type;
  std::optional<NemoLora> lora;
  static constexpr auto fields() {
    using C = NemoPeft;
    return std::tuple{field("finetuning_type", &C::finetuning_type, "how it was tuned")
                          .one_of("lora|lora_merged|all_weights")
                          .unless_empty(),
                      field("lora", &C::lora, "of an adapter").unless_empty()};
  }
};

struct NemoModelSpec {
  std::optional<int64_t> context_size, num_parameters, num_virtual_tokens;
  std::optional<bool> is_chat;
  static constexpr auto fields() {
    using C = NemoModelSpec;
    return std::tuple{
        field("context_size", &C::context_size, "tokens").range(0, 1e12).unless_empty(),
        field("num_parameters", &C::num_parameters, "all of them").range(0, 1e18).unless_empty(),
        field("num_virtual_tokens", &C::num_virtual_tokens, "of prompt tuning").range(0, 1e9).unless_empty(),
        field("is_chat", &C::is_chat, "whether it holds conversations").unless_empty()};
  }
};

struct NemoModel : NemoEntity {
  Json base_model, guardrails, prompt;  // a name or what it is; the others are kept as said
  std::optional<NemoArtifact> artifact;
  std::optional<NemoApiEndpoint> api_endpoint;
  std::optional<NemoPeft> peft;
  std::optional<NemoModelSpec> spec;
  std::vector<std::string> model_providers;
  static constexpr auto fields() {
    using C = NemoModel;
    return std::tuple_cat(
        common_fields(),
        std::tuple{field("base_model", &C::base_model, "NAMESPACE/NAME of the model it was made from").unless_empty(),
                   field("artifact", &C::artifact, "its files").unless_empty(),
                   field("api_endpoint", &C::api_endpoint, "where else it answers").unless_empty(),
                   field("peft", &C::peft, "how it was tuned").unless_empty(),
                   field("spec", &C::spec, "facts of it").unless_empty(),
                   field("prompt", &C::prompt, "kept as said").unless_empty(),
                   field("guardrails", &C::guardrails, "kept as said").unless_empty(),
                   field("model_providers", &C::model_providers, "kept as said").unless_empty()});
  }
};

struct NemoTarget : NemoEntity {
  std::optional<int64_t> num_parameters;
  std::optional<std::string> precision, base_model, model_uri, model_path, hf_endpoint;
  std::optional<bool> enabled;
  Json tokenizer;
  static constexpr auto fields() {
    using C = NemoTarget;
    return std::tuple_cat(
        common_fields(),
        std::tuple{
            field("num_parameters", &C::num_parameters, "of the model").range(0, 1e18).unless_empty(),
            field("precision", &C::precision, "of its weights")
                .one_of("int8|bf16|fp16|fp32|fp8-mixed|bf16-mixed")
                .unless_empty(),
            field("base_model", &C::base_model, "the model of the home that is tuned; without: the target's name")
                .unless_empty(),
            field("model_uri", &C::model_uri, "hf://NAMESPACE/NAME: files of it in a repository of this server")
                .unless_empty(),
            field("model_path", &C::model_path, "kept as said: models are found by name").unless_empty(),
            field("hf_endpoint", &C::hf_endpoint, "kept as said: files are read from this server").unless_empty(),
            field("enabled", &C::enabled, "whether jobs may use it").unless_empty(),
            field("tokenizer", &C::tokenizer, "kept as said: the model's own is used").unless_empty()});
  }
};

struct NemoTrainingOption {
  std::optional<std::string> training_type, finetuning_type;
  std::optional<int64_t> num_gpus, micro_batch_size, num_nodes, tensor_parallel_size, pipeline_parallel_size,
      data_parallel_size, expert_model_parallel_size;
  std::optional<bool> use_sequence_parallel;
  static constexpr auto fields() {
    using C = NemoTrainingOption;
    return std::tuple{
        field("training_type", &C::training_type, "the method").one_of("sft|dpo|distillation|grpo").unless_empty(),
        field("finetuning_type", &C::finetuning_type, "what is trained")
            .one_of("lora|lora_merged|all_weights")
            .unless_empty(),
        field("num_gpus", &C::num_gpus, "kept as said: jobs run on this machine's share").range(0, 1e6).unless_empty(),
        field("micro_batch_size", &C::micro_batch_size, "examples at once").range(1, 1e6).unless_empty(),
        field("num_nodes", &C::num_nodes, "kept as said").range(1, 1e6).unless_empty(),
        field("tensor_parallel_size", &C::tensor_parallel_size, "kept as said").range(1, 1e6).unless_empty(),
        field("pipeline_parallel_size", &C::pipeline_parallel_size, "kept as said").range(1, 1e6).unless_empty(),
        field("data_parallel_size", &C::data_parallel_size, "kept as said").range(1, 1e6).unless_empty(),
        field("expert_model_parallel_size", &C::expert_model_parallel_size, "kept as said")
            .range(1, 1e6)
            .unless_empty(),
        field("use_sequence_parallel", &C::use_sequence_parallel, "kept as said").unless_empty()};
  }
};

struct NemoConfig : NemoEntity {
  std::optional<int64_t> max_seq_length;
  std::vector<NemoTrainingOption> training_options, add_training_options, remove_training_options;
  Json target, pod_spec;
  std::vector<Json> dataset_schemas;
  std::optional<std::string> training_precision, prompt_template, chat_prompt_template;
  static constexpr auto fields() {
    using C = NemoConfig;
    return std::tuple_cat(
        common_fields(),
        std::tuple{
            field("max_seq_length", &C::max_seq_length, "tokens of an example").range(1, 1e9).unless_empty(),
            field("training_options", &C::training_options, "what jobs may do").unless_empty(),
            field("add_training_options", &C::add_training_options, "of a change: further ones").unless_empty(),
            field("remove_training_options", &C::remove_training_options, "of a change: which ones go").unless_empty(),
            field("target", &C::target, "NAMESPACE/NAME of a target, or what it is").unless_empty(),
            field("training_precision", &C::training_precision, "of the arithmetic")
                .one_of("int8|bf16|fp16|fp32|fp8-mixed|bf16-mixed")
                .unless_empty(),
            field("prompt_template", &C::prompt_template, "of lines that are prompt and completion").unless_empty(),
            field("chat_prompt_template", &C::chat_prompt_template, "kept as said: the model's own is used")
                .unless_empty(),
            field("dataset_schemas", &C::dataset_schemas, "kept as said").unless_empty(),
            field("pod_spec", &C::pod_spec, "kept as said").unless_empty()});
  }
};

struct NemoEvaluationTarget : NemoEntity {
  std::optional<std::string> type;
  Json model, cached_outputs, retriever, rag, dataset, rows;
  static constexpr auto fields() {
    using C = NemoEvaluationTarget;
    return std::tuple_cat(common_fields(),
                          std::tuple{field("type", &C::type, "of what is evaluated")
                                         .one_of("model|cached_outputs|retriever|rag|rows|dataset")
                                         .unless_empty(),
                                     field("model", &C::model, "its name, or what it is").unless_empty(),
                                     field("cached_outputs", &C::cached_outputs, "kept as said").unless_empty(),
                                     field("retriever", &C::retriever, "kept as said").unless_empty(),
                                     field("rag", &C::rag, "kept as said").unless_empty(),
                                     field("dataset", &C::dataset, "kept as said").unless_empty(),
                                     field("rows", &C::rows, "kept as said").unless_empty()});
  }
};

struct NemoEvaluationConfig : NemoEntity {
  std::optional<std::string> type;
  Json tasks, groups, params;
  static constexpr auto fields() {
    using C = NemoEvaluationConfig;
    return std::tuple_cat(common_fields(), std::tuple{field("type", &C::type, "of the evaluation").unless_empty(),
                                                      field("tasks", &C::tasks, "by name").unless_empty(),
                                                      field("groups", &C::groups, "of tasks").unless_empty(),
                                                      field("params", &C::params, "of all tasks").unless_empty()});
  }
};

struct NemoGuardrailConfig : NemoEntity {
  Json data;
  std::optional<std::string> files_url;
  static constexpr auto fields() {
    using C = NemoGuardrailConfig;
    return std::tuple_cat(common_fields(),
                          std::tuple{field("data", &C::data, "the rails").unless_empty(),
                                     field("files_url", &C::files_url, "or where they are").unless_empty()});
  }
};

}  // namespace maru::api::nemo
