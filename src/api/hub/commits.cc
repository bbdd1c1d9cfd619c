#include "api/hub/commits.h"

#include <fmt/format.h>

#include "api/hub/commit_lines.h"
#include "api/hub/error.h"
#include "api/hub/names.h"
#include "base/json_node.h"
#include "base/long_wait.h"
#include "http/json_body.h"

namespace maru::api::hub {
namespace {

using platform::FileStore;
using platform::RepositoryName;

constexpr uint64_t kCommitBytes = uint64_t{1} << 38;  // 256 GiB: the disk ends before
constexpr size_t kMostFiles = 1000;                   // of one question

struct PreuploadRequest {
  Json files, git_attributes, git_ignore;
  static constexpr auto fields() {
    using C = PreuploadRequest;
    return std::tuple{field("files", &C::files, "path, size and the first 512 bytes (sample) of each; at most 1,000"),
                      field("gitAttributes", &C::git_attributes, "accepted: size alone decides how a file is brought"),
                      field("gitIgnore", &C::git_ignore, "accepted: what is brought is kept")};
  }
};

void only_main(const RepositoryName& name, const std::string& revision) {
  if (revision != "main")
    throw RequestFailure(ErrorCode::kNotFound,
                         fmt::format("{}: \"{}\" is no branch: commits go to main", name.text(), revision), "revision",
                         "");
}

http::Reply preupload(FileStore& store, const http::Request& request, const char* kind, uint64_t inline_bytes) {
  const RepositoryName name = repository_of(request, kind);
  store.repositories().find(name);
  only_main(name, request.arguments[2]);
  const auto body = http::read_fields<PreuploadRequest>(http::read_object(request.body));
  const JsonNode files = JsonNode::of_request(body.files, "files");
  if (files.size() > kMostFiles) refuse("files: expected at most 1,000", "files");
  uint64_t together = 0;
  bool objects = false;
  Json answers = Json::array();
  for (const JsonNode& file : files.elements()) {
    const std::string& path = file["path"].string();
    const uint64_t size = file["size"].count();
    if (const Outcome outcome = platform::check_path(path); !outcome) file["path"].refuse(outcome.error().message);
    const bool regular = size <= inline_bytes - together;
    if (regular) together += size;
    objects |= !regular;
    answers.push_back(
        {{"path", path}, {"uploadMode", regular ? "regular" : "lfs"}, {"shouldIgnore", false}, {"oid", nullptr}});
  }
  http::Response response;
  if (objects)  // clients show it as it is; without it those with Xet fail with a status and a URL
    response.headers.emplace_back("X-HF-Warning",
                                  "Xet; this server has no Xet storage: if large files cannot be brought to it, set "
                                  "HF_HUB_DISABLE_XET=1");
  response.body = http::to_line({{"files", std::move(answers)}});
  return {std::move(response)};
}

class CommitSink : public http::BodySink {
 public:
  CommitSink(FileStore& store, RepositoryName name)
      : store_(store), name_(std::move(name)), lines_(store.blobs(), [this](const std::string& sha256) {
          return store_.repositories().find_blob(name_.space, sha256);
        }) {}
  uint64_t limit() const override { return kCommitBytes; }
  void write(std::string_view bytes) override { lines_.take(bytes); }
  void finish() override { lines_.finish(); }
  platform::Commit commit(std::string by) {
    store_.counts().received_bytes += lines_.received_bytes();
    platform::CommitRequest request = std::move(lines_).request();
    request.by = std::move(by);
    platform::Commit commit = store_.repositories().commit(name_, request);
    ++store_.counts().commits;
    return commit;
  }
  const RepositoryName& name() const { return name_; }

 private:
  FileStore& store_;
  const RepositoryName name_;
  CommitLines lines_;
};

std::unique_ptr<http::BodySink> commit_sink(FileStore& store, const http::Request& request, const char* kind) {
  RepositoryName name = repository_of(request, kind);
  store.repositories().find(name);
  only_main(name, request.arguments[2]);
  if (!request.parameter("create_pr").empty())
    throw Failure(ErrorCode::kUnimplemented, "create_pr: this server has no pull requests; commit to main");
  return std::make_unique<CommitSink>(store, std::move(name));
}

http::Reply commit(const http::Request& request) {
  auto& sink = static_cast<CommitSink&>(*request.sink);
  const LongWait wait(request.waits);  // for the disk, and for others who write
  try {
    const platform::Commit commit = sink.commit(author_of(request));
    // Relative: older clients take an absolute one of another host than theirs for an error, after all has been done.
    return {http::Response{.body = http::to_line({{"success", true},
                                                  {"commitOid", commit.oid},
                                                  {"commitUrl", path_of(sink.name()) + "/commit/" + commit.oid},
                                                  {"hookOutput", ""}})}};
  } catch (const RequestFailure& failure) {
    if (failure.field() != "parent") throw;
    return {http::to_response({.status = 412, .message = failure.what(), .field = "parentCommit"}, kDialect)};
  }
}

}  // namespace

void add_commit_routes(http::Router& router, FileStore& store, int64_t inline_bytes) {
  for (const char* kind : {kDatasets, kModels}) {
    const std::string root = fmt::format("{}/api/{}/{{space}}/{{name}}", kPrefix, kind);
    router.add({.method = http::Method::kPost,
                .pattern = root + "/preupload/{revision}",
                .handler =
                    [&store, kind, inline_bytes](const http::Request& r, const http::Wake&) {
                      return preupload(store, r, kind, static_cast<uint64_t>(inline_bytes));
                    },
                .scope = "write",
                .dialect = &kDialect,
                .doc = "how files are to be brought: within a commit, or as objects",
                .body = http::body_schema<PreuploadRequest>});
    router.add({.method = http::Method::kPost,
                .pattern = root + "/commit/{revision}",
                .handler = [](const http::Request& r, const http::Wake&) { return commit(r); },
                .scope = "write",
                .dialect = &kDialect,
                .doc = "change files, by lines of JSON, all of them or none",
                .sink = [&store, kind](const http::Request& r) { return commit_sink(store, r, kind); }});
  }
}

}  // namespace maru::api::hub
