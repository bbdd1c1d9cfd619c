#include "api/hub/repositories.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "api/hub/error.h"
#include "api/hub/files.h"
#include "api/hub/names.h"
#include "base/hash.h"
#include "base/long_wait.h"
#include "http/json_body.h"
#include "platform/repositories.h"

namespace maru::api::hub {
namespace {

using platform::Commit;
using platform::FileStore;
using platform::Repository;
using platform::RepositoryFile;
using platform::RepositoryName;

/// Clients ask for the tree instead where there are more than 50,000.
constexpr int64_t kMostSiblings = 50'001;
constexpr int64_t kCommitsPage = 100;

struct CreateRepoRequest {
  std::string name, organization, type;
  Json visibility, is_private, license, region, resource_group, multipart, sdk, hardware, space_template;
  static constexpr auto fields() {
    using C = CreateRepoRequest;
    return std::tuple{field("name", &C::name, "of the repository"),
                      field("organization", &C::organization, "its workspace; without: that of who asks"),
                      field("type", &C::type, "model (also where it is not said) or dataset"),
                      field("private", &C::is_private, "accepted: who may read is said by keys"),
                      field("visibility", &C::visibility, "accepted, likewise"),
                      field("license", &C::license, "accepted: it belongs into README.md"),
                      field("region", &C::region, "accepted: this is the only place"),
                      field("resourceGroupId", &C::resource_group, "accepted: there are none"),
                      field("sdk", &C::sdk, "accepted: of spaces, which are refused by their type"),
                      field("hardware", &C::hardware, "accepted, likewise"),
                      field("template", &C::space_template, "accepted, likewise"),
                      field("lfsmultipartthresh", &C::multipart, "accepted: objects come in one piece")};
  }
};

struct DeleteRepoRequest {
  std::string name, organization, type;
  static constexpr auto fields() {
    using C = DeleteRepoRequest;
    return std::tuple{field("name", &C::name, "of the repository"),
                      field("organization", &C::organization, "its workspace; without: that of who asks"),
                      field("type", &C::type, "model (also where it is not said) or dataset")};
  }
};

struct ValidateYamlRequest {
  std::string content, repo_type;
  static constexpr auto fields() {
    using C = ValidateYamlRequest;
    return std::tuple{field("content", &C::content, "of a README.md"),
                      field("repoType", &C::repo_type, "accepted: what it is read as is the same")};
  }
};

template <class T>
RepositoryName name_in(const T& body, const http::Request& request) {
  if (body.name.empty()) refuse("name: expected that of a repository", "name");
  return {kind_of(body.type), body.organization.empty() ? own_space(request) : body.organization, body.name};
}

/// Of models relative: older clients take "hf", which their endpoint ends with, for the type of one.
std::string url_of(const RepositoryName& name, const http::Request& request) {
  return name.kind == kModels ? path_of(name) : base_url(request) + "/" + path_of(name);
}

/// Whether there is such a workspace is not told.
http::Reply stranger(const RepositoryName& name) {
  return {http::to_response({.status = 403,
                             .message = fmt::format("this key is of another workspace than {}", name.space),
                             .word = "insufficient_scope"},
                            kDialect)};
}

http::Reply create(FileStore& store, const http::Request& request) {
  const auto body = http::read_fields<CreateRepoRequest>(http::read_object(request.body));
  const RepositoryName name = name_in(body, request);
  check_new_name(name);
  if (!may_enter(request, name.space)) return stranger(name);
  const LongWait wait(request.waits);  // for others who write
  Json answer{{"url", url_of(name, request)}, {"name", name.space + "/" + name.name}};
  try {
    store.repositories().create(name, author_of(request));
  } catch (const Failure& failure) {
    if (failure.code() != ErrorCode::kExists) throw;
    answer["error"] = failure.what();  // clients that do not mind look for the url
    http::Response response = http::to_response({.status = 409, .message = failure.what()}, kDialect);
    response.body = http::to_line(answer);
    return {std::move(response)};
  }
  return {http::Response{.body = http::to_line(answer)}};
}

http::Reply remove(FileStore& store, const http::Request& request) {
  const auto body = http::read_fields<DeleteRepoRequest>(http::read_object(request.body));
  const RepositoryName name = name_in(body, request);
  if (!may_enter(request, name.space)) platform::missing_repository(name);
  const LongWait wait(request.waits);
  store.repositories().remove(name, author_of(request));
  return {http::Response{.body = http::to_line({{"success", true}})}};
}

Json facts_of(const Repository& repository) {
  const RepositoryName& name = repository.name;
  const std::string id = name.space + "/" + name.name;
  return {{"_id", sha256_hex(name.kind + "/" + id).substr(0, 24)},
          {"id", id},
          {"author", name.space},
          {"createdAt", repository.created_at},
          {"private", false},
          {"gated", false},
          {"disabled", false},
          {"tags", Json::array()}};
}

/// As they stand in an info: by another name than in trees.
Json sibling(const RepositoryFile& file, bool with_blob) {
  Json answer{{"rfilename", file.path}};
  if (!with_blob) return answer;
  const Pointer pointer = pointer_of(file.blob);
  answer["size"] = file.blob.size;
  answer["blobId"] = pointer.oid;
  answer["lfs"] = {{"size", file.blob.size}, {"sha256", file.blob.sha256}, {"pointerSize", pointer.size}};
  return answer;
}

http::Reply info(FileStore& store, const http::Request& request, const char* kind) {
  const RepositoryName name = repository_of(request, kind);
  platform::Repositories& repositories = store.repositories();
  Json answer = facts_of(repositories.find(name));
  const Commit commit = repositories.revision(name, request.arguments.size() > 2 ? request.arguments[2] : "main");
  const std::string_view blobs = request.parameter("blobs");
  const bool with_blobs = blobs == "true" || blobs == "True" || blobs == "1";
  Json siblings = Json::array();
  for (const RepositoryFile& file : repositories.files(name, commit.oid, {.limit = kMostSiblings}))
    siblings.push_back(sibling(file, with_blobs));
  answer["sha"] = commit.oid;
  answer["lastModified"] = commit.created_at;
  answer["siblings"] = std::move(siblings);
  return {http::Response{.body = http::to_line(answer)}};
}

int64_t number(const http::Request& request, std::string_view name, int64_t otherwise, int64_t most) {
  const std::string_view text = request.parameter(name);
  int64_t value = otherwise;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (!text.empty() && (error != std::errc() || end != text.data() + text.size() || value < 0))
    refuse(std::string(name) + ": expected a whole number", name);
  return std::min(value, most);
}

http::Reply list(FileStore& store, const http::Request& request, const char* kind) {
  const std::string_view author = request.parameter("author"), search = request.parameter("search");
  const int64_t limit = number(request, "limit", kMostSiblings, kMostSiblings);
  std::optional<std::string> space;
  if (!author.empty())
    space = author;
  else if (request.principal && !request.principal->is_operator())
    space = request.principal->tenant;
  Json answers = Json::array();
  if (space && !may_enter(request, *space)) return {http::Response{.body = http::to_line(answers)}};
  for (const Repository& repository : store.repositories().list(kind, space)) {
    if (static_cast<int64_t>(answers.size()) >= limit) break;
    if ((repository.name.space + "/" + repository.name.name).find(search) != std::string::npos)
      answers.push_back(facts_of(repository));
  }
  return {http::Response{.body = http::to_line(answers)}};
}

http::Reply commits(FileStore& store, const http::Request& request, const char* kind) {
  const RepositoryName name = repository_of(request, kind);
  const int64_t page = number(request, "p", 0, int64_t{1} << 40);
  const int64_t limit = std::max<int64_t>(1, number(request, "limit", kCommitsPage, 1000));
  Json answers = Json::array();
  for (const Commit& commit : store.repositories().commits(name, request.arguments[2], page * limit, limit))
    answers.push_back({{"id", commit.oid},
                       {"title", commit.summary},
                       {"message", commit.description},
                       {"authors", Json::array({{{"user", commit.created_by}}})},
                       {"date", commit.created_at}});
  const bool more = static_cast<int64_t>(answers.size()) == limit;
  http::Response response{.body = http::to_line(answers)};
  if (more)
    response.headers.emplace_back("Link",
                                  fmt::format("<{}{}?p={}&limit={}>; rel=\"next\"", base_url(request),
                                              url_escape(request.path.substr(kPrefix.size())), page + 1, limit));
  return {std::move(response)};
}

http::Reply refs(FileStore& store, const http::Request& request, const char* kind) {
  const Commit last = store.repositories().revision(repository_of(request, kind), "main");
  const Json main{{"name", "main"}, {"ref", "refs/heads/main"}, {"targetCommit", last.oid}};
  return {http::Response{.body = http::to_line({{"branches", Json::array({main})},
                                                {"tags", Json::array()},
                                                {"converts", Json::array()},
                                                {"pullRequests", Json::array()}})}};
}

http::Reply who_am_i(const http::Request& request) {
  const bool writes = !request.principal || request.principal->may("write");
  const std::string name = own_space(request);
  return {http::Response{
      .body = http::to_line(
          {{"type", "user"},
           {"id", sha256_hex(name).substr(0, 24)},
           {"name", name},
           {"fullname", name},
           {"isPro", false},
           {"orgs", Json::array()},
           {"auth",
            {{"type", "access_token"},
             {"accessToken", {{"displayName", author_of(request)}, {"role", writes ? "write" : "read"}}}}}})}};
}

/// What stands between two lines of "---" at the beginning; nothing: there is none.
std::optional<std::string> front_matter(const std::string& text) {
  const size_t begin = text.find('\n');
  if (!text.starts_with("---") || begin == text.npos) return std::nullopt;
  const size_t end = text.find("\n---", begin);
  if (end == text.npos) return std::nullopt;
  return text.substr(begin + 1, end - begin);
}

http::Reply validate_yaml(const http::Request& request) {
  const auto body = http::read_fields<ValidateYamlRequest>(http::read_object(request.body));
  Json answer{{"errors", Json::array()}, {"warnings", Json::array()}};
  const std::optional<std::string> yaml = front_matter(body.content);
  const Result<Json> read = yaml ? parse_yaml(*yaml, "README.md") : Result<Json>(Json::object());
  if (read.ok()) return {http::Response{.body = http::to_line(answer)}};
  http::Response response = http::to_response({.message = read.error().message}, kDialect);
  answer["errors"].push_back({{"message", read.error().message}});
  answer["error"] = read.error().message;
  response.body = http::to_line(answer);
  return {std::move(response)};
}

}  // namespace

void add_repository_routes(http::Router& router, FileStore& store) {
  const auto add = [&](http::Method method, std::string pattern, std::string_view scope, auto answer, const char* doc,
                       Json (*body)(Schemas&) = nullptr) {
    router.add({.method = method,
                .pattern = std::string(kPrefix) + "/api" + pattern,
                .handler = [answer](const http::Request& r, const http::Wake&) { return answer(r); },
                .scope = scope,
                .dialect = &kDialect,
                .doc = doc,
                .body = body});
  };
  using http::Method;
  using http::Request;
  add(Method::kGet, "/whoami-v2", "read", who_am_i, "whose key it is");
  add(Method::kPost, "/validate-yaml", "read", validate_yaml, "whether what a README.md begins with is YAML",
      http::body_schema<ValidateYamlRequest>);
  add(
      Method::kPost, "/repos/create", "write", [&store](const Request& r) { return create(store, r); },
      "make a repository of files", http::body_schema<CreateRepoRequest>);
  add(
      Method::kDelete, "/repos/delete", "write", [&store](const Request& r) { return remove(store, r); },
      "delete a repository", http::body_schema<DeleteRepoRequest>);
  for (const char* kind : {kDatasets, kModels}) {
    const auto get = [&](const std::string& pattern, auto answer, const char* doc) {
      add(
          Method::kGet, fmt::format("/{}{}", kind, pattern), "read",
          [&store, kind, answer](const Request& r) { return answer(store, r, kind); }, doc);
    };
    get("", list, "repositories: ?author=, ?search=, ?limit=");
    get("/{space}/{name}", info, "a repository and its files");
    get("/{space}/{name}/revision/{revision*}", info, "likewise, at main or a commit");
    get("/{space}/{name}/commits/{revision}", commits, "what was done, the newest first");
    get("/{space}/{name}/refs", refs, "its branch");
  }
}

}  // namespace maru::api::hub
