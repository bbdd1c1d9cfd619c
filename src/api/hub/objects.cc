// Large objects, as Git LFS brings and fetches them: a question for many, then each by a URL of its own.
//
// Clients do not bring their key to that URL, so it holds what it is good for: which object, how large, until when, and
// a signature of these that only this process can make.
//
// Programs of Git LFS keep their commits in a Git of their own. What they bring, the repository holds by itself; what
// other clients bring, it holds by the commit that follows.
//
// Source   github.com/git-lfs/git-lfs, docs/api/batch.md and basic-transfers.md
#include <fmt/format.h>

#include <charconv>
#include <chrono>

#include "api/hub/commits.h"
#include "api/hub/error.h"
#include "api/hub/names.h"
#include "base/hmac.h"
#include "base/json_node.h"
#include "base/long_wait.h"
#include "http/json_body.h"

namespace maru::api::hub {
namespace {

using platform::Blob;
using platform::FileStore;
using platform::RepositoryName;

constexpr const char* kLfsJson = "application/vnd.git-lfs+json";
constexpr uint64_t kObjectBytes = uint64_t{1} << 42;  // 4 TiB
constexpr int64_t kLinkSeconds = 86400;
constexpr size_t kMostObjects = 1000;  // of one question

struct LfsBatchRequest {
  std::string operation, hash_algo = "sha256";
  std::vector<std::string> transfers;
  Json objects, ref;
  static constexpr auto fields() {
    using C = LfsBatchRequest;
    return std::tuple{field("operation", &C::operation, "bring them or fetch them").one_of("upload|download"),
                      field("hash_algo", &C::hash_algo, "what oids are").one_of("sha256"),
                      field("transfers", &C::transfers, "what the client can do; this server does \"basic\""),
                      field("objects", &C::objects, "oid and size of each; at most 1,000"),
                      field("ref", &C::ref, "accepted: objects belong to no branch")};
  }
};

struct LfsVerifyRequest {
  std::string oid;
  int64_t size = 0;
  static constexpr auto fields() {
    using C = LfsVerifyRequest;
    return std::tuple{field("oid", &C::oid, "SHA-256 of an object"),
                      field("size", &C::size, "its bytes").range(0, 9e15)};
  }
};

bool is_git(const http::Request& request) { return request.header("user-agent").starts_with("git-lfs/"); }

/// Below which a repository's large objects are asked for.
std::string lfs_path(const RepositoryName& name) {
  return fmt::format("/{}.git/info/lfs/objects", url_escape(path_of(name)));
}

int64_t now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

class Objects {
 public:
  explicit Objects(FileStore& store) : store_(store) {}

  http::Reply batch(const http::Request& request, const char* kind) const {
    const RepositoryName name = repository_of(request, kind);
    store_.repositories().find(name);
    const auto body = http::read_fields<LfsBatchRequest>(http::read_object(request.body));
    const JsonNode objects = JsonNode::of_request(body.objects, "objects");
    if (objects.size() > kMostObjects) refuse("objects: expected at most 1,000", "objects");
    const bool uploads = body.operation == "upload";
    if (uploads && request.principal && !request.principal->may("write"))
      return {http::to_response({.status = 403,
                                 .message = "this key may not do this: it lacks the scope \"write\"",
                                 .word = "insufficient_scope"},
                                kDialect)};
    if (body.operation.empty()) refuse("operation: expected upload or download", "operation");
    Json answers = Json::array();
    std::vector<Blob> here;
    const std::optional<int64_t> room = uploads ? store_.repositories().room(name.space) : std::nullopt;
    for (const JsonNode& object : objects.elements()) {
      const Blob blob{object["oid"].string(), object["size"].count()};
      Json answer{{"oid", blob.sha256}, {"size", blob.size}, {"authenticated", true}};
      if (uploads)
        offer_upload(blob, name, room, request, answer);
      else
        offer_download(blob, name, request, answer);
      if (!answer.contains("actions") && !answer.contains("error")) here.push_back(blob);
      answers.push_back(std::move(answer));
    }
    keep(request, name, here);
    return {http::Response{.content_type = kLfsJson,
                           .body = http::to_line({{"transfer", "basic"}, {"objects", std::move(answers)}})}};
  }

  http::Reply verify(const http::Request& request, const char* kind) const {
    const RepositoryName name = repository_of(request, kind);
    store_.repositories().find(name);
    const auto body = http::read_fields<LfsVerifyRequest>(http::read_object(request.body));
    const std::optional<Blob> blob = store_.repositories().find_blob(name.space, body.oid);
    if (!blob || blob->size != static_cast<uint64_t>(body.size))
      throw RequestFailure(ErrorCode::kNotFound,
                           fmt::format("no {} bytes with the SHA-256 {} are here", body.size, body.oid), "oid", "");
    keep(request, name, {*blob});
    return {http::Response{.content_type = kLfsJson, .body = http::to_line({{"success", true}})}};
  }

  /// What a URL made by link() is good for.
  Blob blob_of(const http::Request& request, std::string_view use) const {
    const std::string &oid = request.arguments.at(0), size(request.parameter("size")),
                      until(request.parameter("until")), workspace(request.parameter("workspace"));
    const std::string signature = sign(use, oid, size, until, workspace);
    if (!same_secret(signature, request.parameter("signature")))
      throw RequestFailure(ErrorCode::kInvalidArgument,
                           "this URL was not made by this server, or before it was started anew: ask for another one",
                           "signature", "");
    if (number(until) < now()) refuse("this URL is too old: ask for another one", "until");
    return {oid, static_cast<uint64_t>(number(size))};
  }

  std::unique_ptr<http::BodySink> sink(const http::Request& request) const;

  http::Reply object(const http::Request& request) const {
    const Blob blob = blob_of(request, "download");
    return {http::FileAnswer{.file = std::make_shared<const http::OpenFile>(store_.blobs().path_of(blob.sha256)),
                             .etag = blob.sha256}};
  }

 private:
  void keep(const http::Request& request, const RepositoryName& name, const std::vector<Blob>& blobs) const {
    if (!is_git(request) || blobs.empty()) return;
    const LongWait wait(request.waits);  // for others who write
    store_.repositories().keep(name, blobs);
  }

  static int64_t number(const std::string& digits) {
    int64_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
  }

  /// Of names without blanks.
  std::string sign(std::string_view use, std::string_view oid, std::string_view size, std::string_view until,
                   std::string_view workspace) const {
    return hmac_sha256_hex(secret_, fmt::format("{} {} {} {} {}", use, oid, size, until, workspace));
  }

  Json link(const Blob& blob, std::string_view use, const RepositoryName& name, const http::Request& request) const {
    const std::string size = std::to_string(blob.size), until = std::to_string(now() + kLinkSeconds);
    return {{"href",
             fmt::format("{}/lfs/objects/{}?size={}&until={}&workspace={}&signature={}", base_url(request), blob.sha256,
                         size, until, url_escape(name.space), sign(use, blob.sha256, size, until, name.space))},
            {"expires_in", kLinkSeconds}};
  }

  static void fail(Json& answer, int code, std::string message) {
    answer["error"] = {{"code", code}, {"message", std::move(message)}};
  }

  void offer_upload(const Blob& blob, const RepositoryName& name, std::optional<int64_t> room,
                    const http::Request& request, Json& answer) const {
    if (!platform::is_sha256(blob.sha256)) return fail(answer, 422, "oid: expected a SHA-256 in lower case");
    if (blob.size > kObjectBytes) return fail(answer, 422, "size: expected at most 4 TiB");
    const std::optional<Blob> there = store_.repositories().find_blob(name.space, blob.sha256);
    if (there && there->size != blob.size)
      return fail(answer, 422, fmt::format("size: expected {} bytes of that SHA-256", there->size));
    if (there) return;  // it need not be brought again
    if (room && blob.size > static_cast<uint64_t>(*room))
      return fail(answer, 507, fmt::format("your workspace may keep {} bytes of files more (storage_bytes)", *room));
    Json verify{{"href", base_url(request) + lfs_path(name) + "/verify"}};
    if (const std::string_view key = request.header("authorization"); !key.empty())
      verify["header"] = {{"Authorization", key}};
    answer["actions"] = {{"upload", link(blob, "upload", name, request)}, {"verify", std::move(verify)}};
  }

  void offer_download(const Blob& blob, const RepositoryName& name, const http::Request& request, Json& answer) const {
    if (!store_.repositories().holds(name, blob.sha256))
      return fail(answer, 404, "the repository holds no such object");
    const std::optional<Blob> there = store_.blobs().find(blob.sha256);
    if (!there || there->size != blob.size) return fail(answer, 404, "there is no object of that hash and size");
    answer["actions"] = {{"download", link(blob, "download", name, request)}};
  }

  FileStore& store_;
  const std::string secret_ = random_secret(32);
};

class ObjectSink : public http::BodySink {
 public:
  ObjectSink(FileStore& store, Blob expected, std::string workspace)
      : store_(store),
        expected_(std::move(expected)),
        workspace_(std::move(workspace)),
        writer_(store.blobs().writer()) {}
  uint64_t limit() const override { return expected_.size; }
  void write(std::string_view bytes) override {
    writer_.write(bytes);
    store_.counts().received_bytes += static_cast<int64_t>(bytes.size());
  }
  void finish() override try {
    writer_.commit(expected_);
    store_.repositories().bring(workspace_, expected_);
  } catch (const Failure& failure) {
    if (failure.code() != ErrorCode::kDataLoss) throw;
    refuse(failure.what(), "oid");  // the client's bytes, not ours
  }

 private:
  FileStore& store_;
  const Blob expected_;
  const std::string workspace_;  // that brings it
  platform::BlobWriter writer_;
};

std::unique_ptr<http::BodySink> Objects::sink(const http::Request& request) const {
  return std::make_unique<ObjectSink>(store_, blob_of(request, "upload"), std::string(request.parameter("workspace")));
}

}  // namespace

void add_object_routes(http::Router& router, FileStore& store) {
  const auto objects = std::make_shared<const Objects>(store);
  for (const char* kind : {kDatasets, kModels}) {
    const std::string root =
        fmt::format("{}{}/{{space}}/{{name}}.git/info/lfs/objects", kPrefix, kind == kDatasets ? "/datasets" : "");
    router.add(
        {.method = http::Method::kPost,
         .pattern = root + "/batch",
         .handler = [objects, kind](const http::Request& r, const http::Wake&) { return objects->batch(r, kind); },
         .dialect = &kDialect,
         .doc = "where large objects are brought to and fetched from (Git LFS)",
         .body = http::body_schema<LfsBatchRequest>});
    router.add(
        {.method = http::Method::kPost,
         .pattern = root + "/verify",
         .handler = [objects, kind](const http::Request& r, const http::Wake&) { return objects->verify(r, kind); },
         .scope = "write",
         .dialect = &kDialect,
         .doc = "whether an object has arrived",
         .body = http::body_schema<LfsVerifyRequest>});
  }
  router.add(
      {.method = http::Method::kPut,
       .pattern = fmt::format("{}/lfs/objects/{{oid}}", kPrefix),
       .handler = [](const http::Request&, const http::Wake&) { return http::Reply{http::Response{.body = "{}"}}; },
       .access = http::Access::kSigned,
       .dialect = &kDialect,
       .doc = "bring an object, to the URL that was given for it",
       .sink = [objects](const http::Request& r) { return objects->sink(r); }});
  router.add({.pattern = fmt::format("{}/lfs/objects/{{oid}}", kPrefix),
              .handler = [objects](const http::Request& r, const http::Wake&) { return objects->object(r); },
              .access = http::Access::kSigned,
              .dialect = &kDialect,
              .doc = "fetch an object, from the URL that was given for it"});
}

}  // namespace maru::api::hub
