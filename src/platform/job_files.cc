#include "platform/job_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/excerpt.h"
#include "base/json.h"
#include "base/system_error.h"
#include "base/temporary.h"
#include "base/utf8.h"

namespace maru::platform {
namespace {

constexpr uint64_t kMaxFileBytes = 16 << 20;
constexpr size_t kLastBytes = 4096, kLastLines = 3, kLastLineBytes = 300;

class Descriptor {
 public:
  explicit Descriptor(const fs::path& file)
      : fd_(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

template <class T>
std::optional<T> read_if_whole(const fs::path& file) {
  std::error_code error;
  if (!fs::exists(file, error)) return std::nullopt;
  try {
    return from_json<T>(parse_json(read_file(file, kMaxFileBytes), file.string()).value(), file.string());
  } catch (const Failure&) {
    return std::nullopt;
  }
}

}  // namespace

int64_t JobStatus::percent() const {
  if (total <= 0) return 0;
  return std::clamp<int64_t>(static_cast<int64_t>(100.0 * static_cast<double>(done) / static_cast<double>(total)), 0,
                             99);
}

std::string render_job_file(const std::string& id, const NewJob& job) {
  const JobFile file{.id = id,
                     .workspace = job.workspace,
                     .project = job.project,
                     .name = job.name.empty() ? id : job.name,
                     .stage = job.stage,
                     .directory = job.directory,
                     .run = job.run,
                     .created_by = job.by,
                     .config = job.config,
                     .inputs = job.inputs,
                     .outputs = job.outputs};
  return to_json(file).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

JobFile read_job_file(const fs::path& directory) {
  const fs::path path = directory / kJobFile;
  Result<Json> json = parse_json(read_file(path, kMaxFileBytes), path.string());
  if (!json) throw Failure(ErrorCode::kDataLoss, json.error().message);
  const JsonNode node(*json, path.string(), ErrorCode::kDataLoss);
  if (const int64_t format = node.object()["format"].integer(); format != kJobFormat)
    throw Failure(ErrorCode::kUnimplemented, path.string() + ": is of format " + std::to_string(format) +
                                                 ", of another Maru; this one knows " + std::to_string(kJobFormat));
  return from_json<JobFile>(node);
}

std::optional<WorkerFile> read_worker_file(const fs::path& directory) {
  return read_if_whole<WorkerFile>(directory / kWorkerFile);
}

std::optional<JobStatus> read_status_file(const fs::path& directory) {
  return read_if_whole<JobStatus>(directory / kStatusFile);
}

std::optional<ExitRecord> read_exit_file(const fs::path& directory) {
  return read_if_whole<ExitRecord>(directory / kExitFile);
}

void remove_unfinished(const fs::path& directory, int64_t worker) {
  const std::string ending = ".tmp-" + std::to_string(worker);  // as base/temporary.h has it
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    std::error_code removed;  // what cannot be removed stays: nobody reads it
    if (is_temporary(it->path().filename().string()) && it->path().filename().string().ends_with(ending))
      fs::remove(it->path(), removed);
  }
}

FilePart read_part(const fs::path& file, uint64_t offset, size_t limit) {
  FilePart part{.bytes = "", .offset = offset};
  const Descriptor descriptor(file);
  struct stat stat {};
  if (descriptor.get() < 0 || ::fstat(descriptor.get(), &stat) != 0 || !S_ISREG(stat.st_mode)) return part;
  part.size = static_cast<uint64_t>(stat.st_size);
  if (offset >= part.size) return part;
  part.bytes.resize(std::min<uint64_t>(limit, part.size - offset));
  const ssize_t got = ::pread(descriptor.get(), part.bytes.data(), part.bytes.size(), static_cast<off_t>(offset));
  if (got < 0) throw Failure(system_error(file.filename(), "read", errno));
  part.bytes.resize(static_cast<size_t>(got));
  // A character that is cut here comes whole the next time; what is none is passed on as it is.
  if (const size_t cut = incomplete_suffix(part.bytes); cut < part.bytes.size())
    part.bytes.resize(part.bytes.size() - cut);
  part.offset += part.bytes.size();
  return part;
}

std::string last_words(const fs::path& file) {
  std::error_code error;
  const uint64_t size = fs::file_size(file, error);
  if (error || size == 0) return "";
  std::string text = read_part(file, size - std::min<uint64_t>(size, kLastBytes), kLastBytes).bytes;
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  std::string words;
  for (size_t line = 0; line < kLastLines && !text.empty(); ++line) {
    const size_t begin = text.rfind('\n') + 1;  // npos + 1 is 0
    const std::string cut = excerpt(std::string_view(text).substr(begin), kLastLineBytes);
    words = words.empty() ? cut : cut + "\n" + words;
    text.resize(begin == 0 ? 0 : begin - 1);
  }
  return replace_invalid_utf8(words);
}

}  // namespace maru::platform
