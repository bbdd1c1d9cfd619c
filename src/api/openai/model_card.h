// What /v1/models lists: OpenAI's model object, with what vLLM and this server add to it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "serving/model_facts.h"

namespace maru::api::openai {

struct ModelCard {
  std::string id, object = "model";
  int64_t created = 0;
  std::string owned_by = "maru", root;
  std::optional<std::string> parent;
  int64_t max_model_len = 0;
  serving::ModelFacts maru;
  static constexpr auto fields() {
    using C = ModelCard;
    return std::tuple{
        field("id", &C::id, "as requests name it"),
        field("object", &C::object, "always \"model\""),
        field("created", &C::created, "when it was loaded or offered, seconds since 1970"),
        field("owned_by", &C::owned_by, "always \"maru\""),
        field("root", &C::root, "the model itself, of an adapter the one it stands beside"),
        field("parent", &C::parent, "of an adapter: the model it stands beside"),
        field("max_model_len", &C::max_model_len, "tokens of prompt and answer together; 0: known once it is loaded"),
        field("maru", &C::maru, "about the model itself")};
  }
};

struct ModelList {
  std::string object = "list";
  std::vector<ModelCard> data;
  static constexpr auto fields() {
    using C = ModelList;
    return std::tuple{field("object", &C::object, "always \"list\""),
                      field("data", &C::data, "all that answers, in the order it came")};
  }
};

}  // namespace maru::api::openai
