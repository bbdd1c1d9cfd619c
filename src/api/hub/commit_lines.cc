#include "api/hub/commit_lines.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "base/json_node.h"
#include "base/request_failure.h"

namespace maru::api::hub {
namespace {

using platform::Change;

constexpr size_t kDecodeBytes = 64 << 10;  // at a time

}  // namespace

void CommitLines::refuse_here(const std::string& what) const {
  refuse(fmt::format("line {}: {}", num_line_, what), fmt::format("line {}", num_line_));
}

void CommitLines::take(std::string_view bytes) {
  while (!bytes.empty()) {
    size_t taken = 0;
    switch (within_) {
      case Within::kBetween: taken = between(bytes); break;
      case Within::kText: taken = text(bytes); break;
      case Within::kContent: taken = content(bytes); break;
    }
    bytes.remove_prefix(taken);
  }
}

void CommitLines::finish() {
  if (within_ == Within::kContent) refuse_here("the body ends within value.content");
  end_line();
  if (!has_header_) refuse("the body holds no header: a first line with the key \"header\"", "header");
  batch_.flush();
}

/// Tokens, up to and with the one that begins a string or ends the line.
size_t CommitLines::between(std::string_view bytes) {
  const size_t end = std::min(bytes.find_first_of("\"\n"), bytes.size());
  for (const char c : bytes.substr(0, end)) structure(c);
  keep(bytes.substr(0, end));
  if (end == bytes.size()) return end;
  if (bytes[end] == '\n') {
    end_line();
  } else {
    keep("\"");
    begin_text();
  }
  return end + 1;
}

void CommitLines::structure(char c) {
  switch (c) {
    case '{':
    case '[':
      if (++depth_ < 3) is_object_[depth_] = c == '{';
      key_next_ = c == '{';
      break;
    case '}':
    case ']':
      depth_ -= depth_ > 0;
      key_next_ = false;
      break;
    case ',': key_next_ = depth_ >= 3 || is_object_[depth_]; break;
    case ':': key_next_ = false; break;
    default: break;
  }
}

void CommitLines::begin_text() {
  within_ = Within::kText;
  in_key_ = key_next_ && depth_ < 3;
  key_.clear();
  if (key_next_ || depth_ != 2 || !is_object_[1] || !is_object_[2] || keys_[1] != "value" || keys_[2] != "content")
    return;
  if (blob_) refuse_here("value.content: stands there twice");
  within_ = Within::kContent;
  decoder_ = {};
}

/// A string up to and with its end.
size_t CommitLines::text(std::string_view bytes) {
  size_t end = 0;
  for (; end < bytes.size(); ++end) {
    const char c = bytes[end];
    if (c == '\n') refuse_here("ends within a text");
    if (c == '"' && !escaped_) break;
    escaped_ = c == '\\' && !escaped_;
  }
  const bool ends = end < bytes.size();
  const std::string_view part = bytes.substr(0, end + ends);
  keep(part);
  if (in_key_) key_ += bytes.substr(0, end);
  if (!ends) return part.size();
  if (in_key_) keys_[depth_] = key_;
  within_ = Within::kBetween;
  return part.size();
}

/// Base64 up to and with the quote behind it. JSON may write '/' as "\/".
size_t CommitLines::content(std::string_view bytes) {
  if (escaped_) {
    if (bytes[0] != '/') refuse_here("value.content: expected base64");
    escaped_ = false;
    decode("/");
    return 1;
  }
  const size_t end = std::min(bytes.find_first_of("\"\\\n"), bytes.size());
  for (size_t i = 0; i < end; i += kDecodeBytes) decode(bytes.substr(i, std::min(kDecodeBytes, end - i)));
  if (end == bytes.size()) return end;
  if (bytes[end] == '\n') refuse_here("ends within value.content");
  if (bytes[end] == '\\') {
    escaped_ = true;
    return end + 1;
  }
  end_content();
  within_ = Within::kBetween;
  keep("\"");
  return end + 1;
}

void CommitLines::decode(std::string_view bytes) {
  decoded_.clear();
  if (!decoder_.decode(bytes, decoded_))
    refuse_here(fmt::format("value.content: expected base64, got something else behind {} bytes",
                            writer_ ? writer_->size() : small_.size()));
  received_bytes_ += static_cast<int64_t>(decoded_.size());
  if (!writer_ && small_.size() + decoded_.size() <= platform::BlobBatch::kBlobBytes) {
    small_ += decoded_;
    return;
  }
  if (!writer_) {
    writer_.reset(new platform::BlobWriter(blobs_.writer()));
    writer_->write(std::exchange(small_, {}));
  }
  writer_->write(decoded_);
}

void CommitLines::end_content() {
  if (!decoder_.may_end()) refuse_here("value.content: expected base64 in groups of four characters, padded with '='");
  blob_ = writer_ ? writer_->commit() : batch_.add(std::exchange(small_, {}));
  writer_.reset();
}

void CommitLines::keep(std::string_view bytes) {
  text_bytes_ += bytes.size();
  if (skeleton_.size() + bytes.size() > kLineBytes)
    refuse_here(fmt::format("is longer than {} bytes, its content aside", kLineBytes));
  if (text_bytes_ > kTextBytes)
    refuse_here(
        fmt::format("the lines of one commit may have {} bytes, their content aside: make several of it", kTextBytes));
  skeleton_ += bytes;
}

void CommitLines::end_line() {
  if (within_ == Within::kText) refuse_here("ends within a text");
  if (skeleton_.find_first_not_of(" \t\r") != skeleton_.npos) {
    const Result<Json> line = parse_json(skeleton_, fmt::format("line {}", num_line_), kRequestJson);
    if (!line) refuse(line.error().message, fmt::format("line {}", num_line_), "invalid_json");
    read_operation(JsonNode(line.value(), fmt::format("line {}", num_line_)));
  }
  skeleton_.clear();
  blob_.reset();
  for (std::string& key : keys_) key.clear();
  depth_ = 0;
  key_next_ = false;
  ++num_line_;
}

void CommitLines::read_operation(const JsonNode& line) {
  const std::string& key = line["key"].string();
  const JsonNode value = line["value"].object();
  if (blob_ && key != "file") refuse_here("value.content: only a line with the key \"file\" has one");
  if (!has_header_ && key != "header") refuse_here("expected the key \"header\" first, got \"" + key + "\"");
  if (key == "header") return read_header(value);
  if (key == "file") return read_file(value);
  if (key == "lfsFile") return read_large_file(value);
  const bool folder = key == "deletedFolder";
  if (!folder && key != "deletedFile")
    refuse_here("key: expected header, file, lfsFile, deletedFile or deletedFolder, got \"" + key + "\"");
  Change change{folder ? Change::Kind::kDeleteFolder : Change::Kind::kDelete, value["path"].string(), {}};
  if (folder && change.path.ends_with('/')) change.path.pop_back();
  add(std::move(change));
}

void CommitLines::read_header(const JsonNode& value) {
  if (std::exchange(has_header_, true)) refuse_here("is a second header");
  request_.summary = value["summary"].string();
  request_.description = value["description"].string("");
  request_.parent = value["parentCommit"].string(std::nullopt);
}

void CommitLines::read_file(const JsonNode& value) {
  const std::string encoding = value["encoding"].string("base64");
  if (encoding != "base64") value["encoding"].fail("base64");
  if (!blob_) value["content"].fail("the bytes of the file as base64");
  known_.emplace(blob_->sha256, *blob_);
  add({Change::Kind::kPut, value["path"].string(), *blob_, /*with_bytes=*/true});
}

void CommitLines::read_large_file(const JsonNode& value) {
  if (value["algo"].string("sha256") != "sha256") value["algo"].fail("sha256");
  const std::string& oid = value["oid"].string();
  if (!platform::is_sha256(oid)) value["oid"].fail("64 hexadecimal digits in lower case");
  const std::optional<platform::Blob> there = find(oid);
  const uint64_t size = value["size"].count(there ? there->size : 0);
  if (!there || there->size != size)
    refuse_here(fmt::format("value.oid: no {} bytes with the SHA-256 {} are here: upload them first", size, oid));
  add({Change::Kind::kPut, value["path"].string(), *there});
}

std::optional<platform::Blob> CommitLines::find(const std::string& sha256) {
  if (const auto known = known_.find(sha256); known != known_.end()) return known->second;
  const std::optional<platform::Blob> found = find_(sha256);
  if (found) known_.emplace(sha256, *found);
  return found;
}

void CommitLines::add(Change change) {
  if (const Outcome outcome = platform::check_path(change.path); !outcome)
    refuse_here("value.path: " + outcome.error().message);
  if (request_.changes.size() >= kOperations)
    refuse_here(fmt::format("one commit may change {} files: make several of it", kOperations));
  request_.changes.push_back(std::move(change));
}

}  // namespace maru::api::hub
