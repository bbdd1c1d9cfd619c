// maru serve: the API server and the console.
#include "server/serve.h"

#include <fmt/format.h>
#include <netdb.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/json.h"
#include "base/progress.h"
#include "cli/adapter.h"
#include "cli/verbs.h"
#include "console/assets.h"
#include "server/http_auth.h"

namespace maru::cli {

std::vector<server::Asset> console_assets() {
  std::vector<server::Asset> assets;
  for (const console::Asset& a : console::assets())
    assets.push_back(
        {.path = a.path, .content_type = a.content_type, .body = a.body, .etag = a.etag.substr(1, a.etag.size() - 2)});
  return assets;
}

// Whether the listener's address and port can be had, for those who will want them later.
void check_can_serve(const server::ServeConfig& config) {
  const char* key = std::getenv("MARU_API_KEY");
  if (!server::is_loopback(config.http.address) && config.api_key_file.empty() && (key == nullptr || *key == '\0'))
    throw Failure(ErrorCode::kInvalidArgument, "serve.http.address: " + config.http.address +
                                                   ": listening beyond this machine needs an API key (MARU_API_KEY or "
                                                   "serve.api_key_file)");
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

void run_server(Session& session, const server::ServeConfig& config, const std::string& model,
                const AdapterArgument& adapter) {
  const std::vector<server::Asset> assets = console_assets();
  server::ServeContext context{
      .home = session.home, .api_keys = {}, .assets = assets, .adapter = adapter.directory, .model_id = adapter.name};
  if (const char* key = std::getenv("MARU_API_KEY"); key != nullptr && *key != '\0') context.api_keys.emplace_back(key);
  const auto ready = [&](const server::ServeSummary& s) {
    spdlog::info("serving {}: {} parameters, {}, {}, {} thread{}, context {}, {} pages for keys and values", s.model,
                 short_count(static_cast<double>(s.parameters)), s.dtype, s.isa, s.threads, s.threads == 1 ? "" : "s",
                 s.max_context, s.kv_pages);
    session.answer({{"url", s.url}, {"model", s.model}, {"isa", s.isa}, {"dtype", s.dtype}}, "serve        " + s.url);
  };
  const auto overdue = [] { spdlog::warn("the time to stop is over; what was still running is cut off"); };
  server::serve(config, context, session.find("models", model), session.stream(), ready, overdue);
}

void add_serve(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("serve", "serve a model: OpenAI-compatible API and web console");
  struct Options {
    RecipeArguments recipe;
    std::string model, adapter, address;
    int port = -1;
  };
  auto options = std::make_shared<Options>();
  verb->add_option("model", options->model, "model by name, directory or GGUF file")->required();
  add_adapter_option(verb, options->adapter);
  verb->add_option("--listen", options->address,
                   "address; anything beyond loopback needs an API key (MARU_API_KEY or api_key_file)");
  verb->add_option("--port", options->port, "0: any free one")->check(whole_number_in(0, 65535));
  options->recipe.add_to(verb, describe_fields<server::ServeConfig>());
  verb->callback([&session, options] {
    auto config = from_json<server::ServeConfig>(options->recipe.read(), options->recipe.file);
    if (!options->address.empty()) config.http.address = options->address;
    if (options->port >= 0) config.http.port = options->port;
    run_server(session, config, options->model, find_adapter(session, options->adapter));
  });
}

}  // namespace maru::cli
