// maru serve: the API server and the console.
#include <fmt/format.h>
#include <netdb.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "api/server.h"
#include "base/json.h"
#include "base/progress.h"
#include "catalogue/adapter.h"
#include "catalogue/layout.h"
#include "cli/nim_environment.h"
#include "cli/run_jobs.h"
#include "cli/run_server.h"
#include "cli/tenants.h"
#include "cli/verbs.h"
#include "console/assets.h"
#include "http/auth.h"
#include "pipeline/origin.h"

namespace maru::cli {

namespace {

std::vector<http::Asset> console_assets() {
  std::vector<http::Asset> assets;
  for (const console::Asset& a : console::assets())
    assets.push_back(
        {.path = a.path, .content_type = a.content_type, .body = a.body, .etag = a.etag.substr(1, a.etag.size() - 2)});
  return assets;
}

/// What NIM's variables say, where the recipe does not.
Json with_environment(const Json& recipe) {
  NimSettings settings = nim_settings([](const char* name) { return std::getenv(name); });
  for (const std::string& warning : settings.warnings) spdlog::warn("{}", warning);
  settings.config.merge_patch(recipe);
  return settings.config;
}

/// Who made keys for this home's server wants them asked for.
std::string keys_file_of(const Session& session, const api::ServeConfig& config) {
  const fs::path of_home = session.home / catalogue::kKeysFile;
  return config.keys_file.empty() && fs::exists(of_home) ? of_home.string() : config.keys_file;
}

}  // namespace

void check_can_serve(const Session& session, const api::ServeConfig& config) {
  const char* key = std::getenv("MARU_API_KEY");
  const bool has_keys =
      !config.api_key_file.empty() || !keys_file_of(session, config).empty() || home_has_keys(session);
  if (!http::is_loopback(config.http.address) && !has_keys && (key == nullptr || *key == '\0'))
    throw Failure(ErrorCode::kInvalidArgument, "serve.http.address: " + config.http.address +
                                                   ": listening beyond this machine needs an API key (`maru keys "
                                                   "create NAME`, or MARU_API_KEY)");
  const std::string address = config.http.address == "localhost" ? "127.0.0.1" : config.http.address;
  const std::string port = std::to_string(config.http.port);
  addrinfo wanted{}, *found = nullptr;
  wanted.ai_flags = AI_NUMERICHOST | AI_PASSIVE;
  wanted.ai_socktype = SOCK_STREAM;
  if (::getaddrinfo(address.c_str(), port.c_str(), &wanted, &found) != 0)
    throw Failure(ErrorCode::kInvalidArgument, "serve.http.address: expected an IP address, got \"" + address + "\"");
  const int on = 1, socket = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const bool bound = ::bind(socket, found->ai_addr, found->ai_addrlen) == 0;
  const int why = errno;
  ::freeaddrinfo(found);
  ::close(socket);
  if (bound) return;
  if (why != EADDRINUSE)
    throw Failure(ErrorCode::kInvalidArgument, "cannot listen on " + address + ":" + port + ": " + std::strerror(why));
  throw Failure(ErrorCode::kExists,
                "port " + port + " of " + address +
                    " is in use, perhaps by another maru; give --port N (0: any free one), or --no-serve");
}

void run_server(Session& session, api::ServeConfig config, const api::ServedSources& sources) {
  const std::vector<http::Asset> assets = console_assets();
  api::ServeContext context{.home = session.home, .api_keys = {}, .assets = assets};
  if (const char* key = std::getenv("MARU_API_KEY"); key != nullptr && *key != '\0') context.api_keys.emplace_back(key);
  context.warn = [](const std::string& message) { spdlog::warn("{}", message); };
  if (config.log_requests) context.log = [](const std::string& line) { std::fputs((line + "\n").c_str(), stderr); };
  if (config.jobs.run) context.jobs = supervisor_options(session, config.jobs, /*serves=*/true);
  config.keys_file = keys_file_of(session, config);
  if (!config.keys_file.empty()) spdlog::info("API keys: {}", config.keys_file);
  const auto ready = [&](const api::ServeSummary& s) {
    for (const api::ServeSummary::Model& m : s.models)
      spdlog::info("serving {}: {} parameters, {}, {}, {} thread{}, context {}, {} pages for keys and values", m.id,
                   short_count(static_cast<double>(m.parameters)), m.dtype, s.isa, s.threads, s.threads == 1 ? "" : "s",
                   m.max_context, m.kv_pages);
    Json answer{{"url", s.url}, {"model", s.names.front()}, {"isa", s.isa}};
    if (!s.models.empty()) answer["model"] = s.models.front().id, answer["dtype"] = s.models.front().dtype;
    if (s.models.empty()) spdlog::info("serving {}: vectors or scores of texts, {}", s.names.front(), s.isa);
    answer["models"] = s.names;
    session.answer(std::move(answer), "serve        " + s.url);
  };
  const auto overdue = [] { spdlog::warn("the time to stop is over; what was still running is cut off"); };
  api::serve(config, std::move(context), sources, session.machine().device(), ready, overdue);
}

namespace {

struct ServeOptions {
  RecipeArguments recipe;
  std::string model, name, draft, address;
  std::vector<std::string> also, on_request, adapters;
  int port = -1;
};

api::ServedSources sources_of(Session& session, const ServeOptions& options, const api::ServeConfig& config) {
  api::ServedSources sources;
  sources.models.push_back({.path = session.find(Kind::kModel, options.model), .id = config.model_name});
  if (!config.draft_model.empty()) sources.models.back().draft = session.find(Kind::kModel, config.draft_model);
  for (const std::string& model : options.also)
    sources.models.push_back({.path = session.find(Kind::kModel, model), .id = ""});
  for (const std::string& model : options.on_request)
    sources.on_request.push_back({.path = session.find(Kind::kModel, model), .id = ""});
  std::vector<fs::path> models;  // an adapter is of one of them
  for (const auto* given : {&sources.models, &sources.on_request})
    for (const serving::ModelSource& model : *given) models.push_back(model.path);
  for (const std::string& text : options.adapters) {
    const catalogue::NamedAdapter adapter = catalogue::find_adapter(session.catalogue(), text);
    sources.adapters.push_back({.path = adapter.directory, .id = adapter.name, .model = ""});
    pipeline::warn_of_another_base(session.workplace(), adapter.directory, models);
  }
  return sources;
}

}  // namespace

void add_serve(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("serve", "serve models: APIs of OpenAI, Anthropic and Ollama, and web console");
  auto options = std::make_shared<ServeOptions>();
  verb->add_option("model", options->model, "model by name, directory or GGUF file")->required();
  verb->add_option("--name", options->name, "what clients call it; without: its own name");
  verb->add_option("--draft", options->draft,
                   "a small model of the same tokens that guesses for the model: the same answers, sooner");
  verb->add_option("--also", options->also, "a further model to serve beside it under its own name; may be repeated")
      ->allow_extra_args(false);
  verb->add_option(
          "--on-request", options->on_request,
          "a further model, loaded when somebody asks for it and unloaded when another needs its memory; may be "
          "repeated")
      ->allow_extra_args(false);
  verb->add_option("--adapter", options->adapters,
                   "a PEFT adapter by name or directory, served beside the model under its own name, or as NAME=…; may "
                   "be repeated (adapters_dir: a whole directory of them)")
      ->allow_extra_args(false);
  verb->add_option("--listen", options->address,
                   "address; anything beyond loopback needs an API key (`maru keys create NAME`, or MARU_API_KEY)");
  verb->add_option("--port", options->port, "0: any free one")->check(whole_number_in(0, 65535));
  options->recipe.add_to(verb, describe_fields<api::ServeConfig>());
  verb->callback([&session, options] {
    auto config = from_json<api::ServeConfig>(with_environment(options->recipe.read()), options->recipe.file);
    if (!options->address.empty()) config.http.address = options->address;
    if (!options->name.empty()) config.model_name = options->name;
    if (!options->draft.empty()) config.draft_model = options->draft;
    if (options->port >= 0) config.http.port = options->port;
    run_server(session, config, sources_of(session, *options, config));
  });
}

}  // namespace maru::cli
