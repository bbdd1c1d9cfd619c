#include "api/manage.h"

#include <algorithm>
#include <memory>
#include <system_error>
#include <utility>

#include "api/openai/error.h"
#include "base/excerpt.h"
#include "base/long_wait.h"
#include "catalogue/adapter.h"
#include "catalogue/home.h"
#include "http/asker.h"
#include "http/json_body.h"
#include "ledger/name.h"

namespace maru::api {
namespace {

struct LoadAdapterRequest {
  std::string lora_name, lora_path, base_model_name;
  bool load_inplace = false;
  static constexpr auto fields() {
    using C = LoadAdapterRequest;
    return std::tuple{
        field("lora_name", &C::lora_name, "as requests will name it"),
        field("lora_path", &C::lora_path, "an adapter of the home by name, or a directory inside it or adapters_dir"),
        field("base_model_name", &C::base_model_name,
              "the model it is for; else as its configuration says, or the first"),
        field("load_inplace", &C::load_inplace, "it may take the place of one of this name")};
  }
};

struct UnloadAdapterRequest {
  std::string lora_name;
  std::optional<int64_t> lora_int_id;
  static constexpr auto fields() {
    using C = UnloadAdapterRequest;
    return std::tuple{field("lora_name", &C::lora_name, "as it was loaded"),
                      field("lora_int_id", &C::lora_int_id, "accepted and ignored")};
  }
};

struct LoadModelRequest {
  std::string model, name;
  bool replace = false, on_request = false;
  static constexpr auto fields() {
    using C = LoadModelRequest;
    return std::tuple{
        field("model", &C::model, "a model of the home by name, or a path inside it"),
        field("name", &C::name, "as requests will name it; else the model's own name"),
        field("replace", &C::replace, "it takes the place of the one of this name, whose requests end with it"),
        field("on_request", &C::on_request, "load it when somebody asks for it, and not before")};
  }
};

struct UnloadModelRequest {
  std::string model;
  static constexpr auto fields() {
    return std::tuple{field("model", &UnloadModelRequest::model, "as requests name it")};
  }
};

bool lies_in(const fs::path& path, const fs::path& directory) {
  const fs::path whole = fs::weakly_canonical(path), root = fs::weakly_canonical(directory);
  const auto [r, w] = std::mismatch(root.begin(), root.end(), whole.begin(), whole.end());
  return r == root.end() && w != whole.end();
}

/// Whoever may call these routes may not thereby read the machine's disk.
class Places {
 public:
  explicit Places(LoadablePlaces places) : places_(std::move(places)), home_(places_.home) {}

  fs::path adapter(const std::string& wanted) const {
    const fs::path path = find(catalogue::Kind::kAdapter, wanted, "lora_path", places_.adapters);
    if (!catalogue::is_adapter(path)) refuse("there is no adapter '" + excerpt(wanted) + "' here", "lora_path");
    return path;
  }
  fs::path model(const std::string& wanted) const { return find(catalogue::Kind::kModel, wanted, "model", {}); }

 private:
  fs::path find(catalogue::Kind kind, const std::string& wanted, const char* field,
                const std::vector<fs::path>& folders) const {
    if (ledger::check_name("", wanted).ok()) {
      if (const fs::path own = home_.folder(kind) / wanted; !places_.home.empty() && fs::exists(own)) return own;
      for (const fs::path& folder : folders)
        if (fs::exists(folder / wanted)) return folder / wanted;
    }
    std::error_code error;
    const bool allowed =
        std::any_of(folders.begin(), folders.end(), [&](const fs::path& f) { return lies_in(wanted, f); }) ||
        (!places_.home.empty() && lies_in(wanted, places_.home));
    if (!allowed || !fs::exists(wanted, error))
      refuse("'" + excerpt(wanted) + "' is no name of this server's home, and no path inside it" +
                 (folders.empty() ? "" : " or adapters_dir"),
             field);
    return wanted;
  }

  const LoadablePlaces places_;
  const catalogue::Home home_;
};

void check_new_name(const std::string& name, const char* field) {
  if (const Outcome named = ledger::check_name("models", name); !named.ok()) refuse(named.error().message, field);
}

/// vLLM's words for a name that is taken; what is wrong with the adapter is told without the server's paths.
void load_adapter(serving::ModelHost& models, Device& device, const Places& places, const LoadAdapterRequest& request) {
  const fs::path path = places.adapter(request.lora_path);
  try {
    models.load_adapter({.path = path, .id = request.lora_name, .model = request.base_model_name}, device,
                        request.load_inplace);
  } catch (const Failure& failure) {
    if (failure.code() == ErrorCode::kExists)
      refuse("The lora adapter '" + request.lora_name + "' has already been loaded, or a model has this name.",
             "lora_name");
    if (failure.code() != ErrorCode::kDataLoss && failure.code() != ErrorCode::kUnimplemented) throw;
    std::string message = failure.what();
    for (size_t at; (at = message.find(path.string())) != std::string::npos;)
      message.replace(at, path.string().size(), "the adapter");
    refuse(message, "lora_path");
  }
}

http::Reply said(std::string text) {
  return {.answer = http::Response{.content_type = "text/plain; charset=utf-8", .body = std::move(text) + "\n"}};
}

http::Reply done(const char* what, const std::string& model) {
  return {.answer = http::Response{.body = http::to_line(Json{{what, model}})}};
}

/// What a request is about, as far as it says so.
std::string object_of(const Json& body) {
  for (const char* field : {"lora_name", "model"})
    if (const auto it = body.find(field); it != body.end() && it->is_string())
      return excerpt(it->get<std::string>(), 400);
  return "";
}

/// Tells the audit what is going to be done, and that it was not.
class Audited {
 public:
  Audited(platform::HomeDatabase* home, const http::Request& request, std::string action, const Json& body)
      : home_(home),
        event_{.workspace = "",
               .actor = author_of(request),
               .action = std::move(action),
               .object = object_of(body)} {}
  template <class F>
  http::Reply run(F f) {
    write(event_);
    try {
      return f();
    } catch (const std::exception& failure) {
      event_.action += ".failed";
      event_.details = {{"message", excerpt(failure.what(), 400)}};
      write(event_);
      throw;
    }
  }

 private:
  void write(const platform::AuditEvent& event) {
    if (home_ != nullptr) home_->write([&](platform::Connection& c) { home_->audit().append(c, event); });
  }
  platform::HomeDatabase* const home_;
  platform::AuditEvent event_;
};

}  // namespace

void add_manage_routes(http::Router& router, serving::ModelHost& models, Device& device, LoadablePlaces loadable,
                       platform::HomeDatabase* home) {
  const auto places = std::make_shared<const Places>(std::move(loadable));
  const auto add = [&](const char* pattern, const char* action, const char* doc, Json (*body)(Schemas&), auto handle) {
    router.add(
        {.method = http::Method::kPost,
         .pattern = pattern,
         .handler =
             [&models, &device, places, home, action, handle](const http::Request& request, const http::Wake&) {
               const LongWait wait(request.waits);
               const Json body = http::read_object(request.body);
               return Audited(home, request, action, body).run([&] { return handle(body, models, device, *places); });
             },
         .scope = "manage",
         .dialect = &openai::kDialect,
         .doc = doc,
         .body = body});
  };
  add("/v1/load_lora_adapter", "adapter.load", "serve an adapter under a name of its own",
      http::body_schema<LoadAdapterRequest>,
      [](const Json& body, serving::ModelHost& models, Device& device, const Places& places) {
        const auto request = http::read_fields<LoadAdapterRequest>(body);
        check_new_name(request.lora_name, "lora_name");
        load_adapter(models, device, places, request);
        return said("Success: LoRA adapter '" + request.lora_name + "' added successfully.");
      });
  add("/v1/unload_lora_adapter", "adapter.unload", "serve it no more", http::body_schema<UnloadAdapterRequest>,
      [](const Json& body, serving::ModelHost& models, Device&, const Places&) {
        const auto request = http::read_fields<UnloadAdapterRequest>(body);
        const auto model = models.find(request.lora_name);
        if (model == nullptr || model->parent().empty())
          throw RequestFailure(ErrorCode::kNotFound,
                               "The lora adapter '" + excerpt(request.lora_name) + "' cannot be found.", "lora_name",
                               "model_not_found");
        models.unload(request.lora_name);
        return said("Success: LoRA adapter '" + request.lora_name + "' removed successfully.");
      });
  add("/v1/maru/models/load", "model.load", "serve a model of the home", http::body_schema<LoadModelRequest>,
      [](const Json& body, serving::ModelHost& models, Device& device, const Places& places) {
        const auto request = http::read_fields<LoadModelRequest>(body);
        const serving::ModelSource source{.path = places.model(request.model), .id = request.name};
        if (!source.id.empty()) check_new_name(source.id, "name");
        if (request.on_request && request.replace) refuse("an offer takes nobody's place", "replace");
        return done("loaded",
                    request.on_request ? models.offer(source, device) : models.load(source, device, request.replace));
      });
  add("/v1/maru/models/unload", "model.unload", "serve it no more", http::body_schema<UnloadModelRequest>,
      [](const Json& body, serving::ModelHost& models, Device&, const Places&) {
        const auto request = http::read_fields<UnloadModelRequest>(body);
        models.unload(request.model);
        return done("unloaded", request.model);
      });
}

}  // namespace maru::api
