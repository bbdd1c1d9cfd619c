#include "api/hub/files.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "api/hub/error.h"
#include "api/hub/names.h"
#include "base/hash.h"
#include "base/json_node.h"
#include "http/json_body.h"

namespace maru::api::hub {
namespace {

using platform::Commit;
using platform::FileQuery;
using platform::FileStore;
using platform::Repositories;
using platform::RepositoryFile;
using platform::RepositoryName;

constexpr int64_t kPage = 1000;        // entries, at most
constexpr size_t kMostPaths = 10'000;  // of one question
constexpr std::string_view kForm = "application/x-www-form-urlencoded";

struct PathsInfoRequest {
  std::vector<std::string> paths;
  bool expand = false;
  static constexpr auto fields() {
    using C = PathsInfoRequest;
    return std::tuple{field("paths", &C::paths, "of files and folders; what is not there is left out"),
                      field("expand", &C::expand, "with the last commit of each")};
  }
};

bool is_true(std::string_view text) { return text == "true" || text == "True" || text == "1"; }

/// Entries with the commits that they came with.
class Entries {
 public:
  Entries(Repositories& repositories, const RepositoryName& name, const Commit& commit, bool expand)
      : repositories_(repositories), name_(name), commit_(commit), expand_(expand) {}

  void add(const RepositoryFile& file) {
    Json entry = file.blob.sha256.empty() ? folder_entry(file.path) : file_entry(file);
    if (expand_) {
      const Commit& last = commit(file.since);
      entry["lastCommit"] = {{"id", last.oid}, {"title", last.summary}, {"date", last.created_at}};
    }
    entries_.push_back(std::move(entry));
  }
  /// The folders that a file is in and the one before it is not, from `folder` on.
  void add_folders_of(const RepositoryFile& file, const std::string& before, const std::string& folder) {
    for (size_t slash = file.path.find('/', folder.empty() ? 0 : folder.size() + 1); slash != file.path.npos;
         slash = file.path.find('/', slash + 1))
      if (before.compare(0, slash + 1, file.path, 0, slash + 1) != 0) add({file.path.substr(0, slash), {}, file.since});
  }
  Json take() { return std::move(entries_); }

 private:
  /// Nobody keeps folders: what names one is the commit and its path.
  Json folder_entry(const std::string& path) const {
    return {{"type", "directory"},
            {"oid", sha256_hex(commit_.oid + "/" + path).substr(0, 40)},
            {"size", 0},
            {"path", path}};
  }
  const Commit& commit(int64_t number) {
    const auto [it, is_new] = commits_.try_emplace(number);
    if (is_new) it->second = repositories_.numbered(name_, number);
    return it->second;
  }

  Repositories& repositories_;
  const RepositoryName& name_;
  const Commit& commit_;
  const bool expand_;
  std::map<int64_t, Commit> commits_;
  Json entries_ = Json::array();
};

int64_t page_size(const http::Request& request) {
  const std::string_view text = request.parameter("limit");
  int64_t limit = kPage;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (!text.empty() && (error != std::errc() || end != text.data() + text.size() || limit < 1))
    refuse("limit: expected a whole number of at least 1", "limit");
  return std::min(limit, kPage);
}

/// The same question, from behind `last` on.
std::string next_page(const http::Request& request, const std::string& last) {
  std::string url = base_url(request) + url_escape(request.path.substr(kPrefix.size())) + "?";
  for (const auto& [name, value] : request.query)
    if (name != "cursor") url += url_escape(name) + "=" + url_escape(value) + "&";
  return "<" + url + "cursor=" + url_escape(last) + ">; rel=\"next\"";
}

http::Reply tree(FileStore& store, const http::Request& request, const char* kind) {
  const RepositoryName name = repository_of(request, kind);
  Repositories& repositories = store.repositories();
  const Commit commit = repositories.revision(name, request.arguments[2]);
  FileQuery query{.folder = request.arguments.size() > 3 ? request.arguments[3] : "",
                  .recursive = is_true(request.parameter("recursive")),
                  .after = std::string(request.parameter("cursor")),
                  .limit = page_size(request)};
  while (query.folder.ends_with('/')) query.folder.pop_back();
  const std::vector<RepositoryFile> files = repositories.files(name, commit.oid, query);
  if (files.empty() && query.after.empty() && !query.folder.empty())
    throw RequestFailure(ErrorCode::kNotFound,
                         fmt::format("{}: has no folder \"{}\" at {}", name.text(), query.folder, commit.oid), "path",
                         "");
  Entries entries(repositories, name, commit, is_true(request.parameter("expand")));
  std::string before = query.after;
  for (const RepositoryFile& file : files) {
    if (query.recursive) entries.add_folders_of(file, before, query.folder);
    entries.add(file);
    before = file.path + (file.blob.sha256.empty() ? "/" : "");
  }
  http::Response response{.body = http::to_line(entries.take())};
  if (static_cast<int64_t>(files.size()) == query.limit)
    response.headers.emplace_back("Link", next_page(request, before));
  return {std::move(response)};
}

/// Clients ask with a form.
PathsInfoRequest paths_of(const http::Request& request) {
  if (!request.header("content-type").starts_with(kForm))
    return http::read_fields<PathsInfoRequest>(http::read_object(request.body));
  http::Request form;
  http::parse_target("/?" + request.body, form).value();
  PathsInfoRequest wanted{.expand = is_true(form.parameter("expand"))};
  for (auto& [name, value] : form.query)
    if (name == "paths") wanted.paths.push_back(std::move(value));
  return wanted;
}

http::Reply paths_info(FileStore& store, const http::Request& request, const char* kind) {
  const RepositoryName name = repository_of(request, kind);
  Repositories& repositories = store.repositories();
  const Commit commit = repositories.revision(name, request.arguments[2]);
  PathsInfoRequest wanted = paths_of(request);
  if (wanted.paths.size() > kMostPaths) refuse("paths: expected at most 10,000", "paths");
  for (std::string& path : wanted.paths)
    while (path.ends_with('/')) path.pop_back();
  Entries entries(repositories, name, commit, wanted.expand);
  for (const RepositoryFile& file : repositories.entries(name, commit.oid, wanted.paths)) entries.add(file);
  return {http::Response{.body = http::to_line(entries.take())}};
}

http::Reply resolve(FileStore& store, const http::Request& request, const char* kind) {
  const RepositoryName name = repository_of(request, kind);
  const Commit commit = store.repositories().revision(name, request.arguments[2]);
  const RepositoryFile file = store.repositories().file(name, commit.oid, request.arguments[3]);
  std::shared_ptr<const http::OpenFile> bytes;
  try {
    bytes = std::make_shared<const http::OpenFile>(store.blobs().path_of(file.blob.sha256));
  } catch (const Failure& failure) {
    if (failure.code() != ErrorCode::kNotFound) throw;
    throw Failure(ErrorCode::kDataLoss, fmt::format("{}: {}: the bytes with the SHA-256 {} have gone from this server",
                                                    name.text(), file.path, file.blob.sha256));
  }
  const std::string last = file.path.substr(file.path.rfind('/') + 1);
  return {http::FileAnswer{.file = std::move(bytes),
                           .etag = file.blob.sha256,
                           .headers = {{"X-Repo-Commit", commit.oid},
                                       {"X-Linked-Etag", '"' + file.blob.sha256 + '"'},
                                       {"X-Linked-Size", std::to_string(file.blob.size)},
                                       {"Content-Disposition", "attachment; filename*=UTF-8''" + url_escape(last)}}}};
}

}  // namespace

Json file_entry(const RepositoryFile& file) {
  const Pointer pointer = pointer_of(file.blob);
  return {{"type", "file"},
          {"oid", pointer.oid},
          {"size", file.blob.size},
          {"path", file.path},
          {"lfs", {{"oid", file.blob.sha256}, {"size", file.blob.size}, {"pointerSize", pointer.size}}}};
}

void add_file_routes(http::Router& router, FileStore& store) {
  const auto add = [&](http::Method method, std::string pattern, const char* kind, auto answer, const char* doc) {
    router.add({.method = method,
                .pattern = std::move(pattern),
                .handler = [&store, kind, answer](const http::Request& r,
                                                  const http::Wake&) { return answer(store, r, kind); },
                .dialect = &kDialect,
                .doc = doc,
                .body = method == http::Method::kPost ? http::body_schema<PathsInfoRequest> : nullptr});
  };
  for (const char* kind : {kDatasets, kModels}) {
    const std::string root = fmt::format("{}/api/{}/{{space}}/{{name}}", kPrefix, kind);
    add(http::Method::kGet, root + "/tree/{revision}", kind, tree, "files and folders of a commit, in pages");
    add(http::Method::kGet, root + "/tree/{revision}/{path*}", kind, tree, "likewise, of a folder");
    add(http::Method::kPost, root + "/paths-info/{revision}", kind, paths_info, "files and folders by their paths");
    add(http::Method::kGet,
        fmt::format("{}{}/{{space}}/{{name}}/resolve/{{revision}}/{{path*}}", kPrefix,
                    kind == kDatasets ? "/datasets" : ""),
        kind, resolve, "a file's bytes");
  }
}

}  // namespace maru::api::hub
