// Manifests: what an artefact (dataset, tokens, tokenizer, checkpoint, model, evaluation) is and what it came from.
//
// An artefact is a directory with a manifest.json that lists its files and its inputs by SHA-256. An input that is
// itself an artefact is listed by its manifest, so the manifests form a graph whose leaves are raw files.
// Nothing in a manifest depends on time or machine: same inputs, recipe and code give the same bytes.
// The last field, "seal", is the SHA-256 of the manifest without it, so that a changed manifest shows too.
// (It detects accidents; against someone who rewrites the seal as well stands a signature: manifest_signature.h.)
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/file.h"

namespace maru::ledger {

inline constexpr std::string_view kManifestName = "manifest.json";

struct ManifestInput {
  std::string role;  // raw, dataset, tokenizer, model, checkpoint, …
  std::string path;  // relative to the artefact's directory inside the same home, else absolute
  std::string sha256;
  uint64_t bytes = 0;
  static constexpr auto fields() {
    return std::tuple{field("role", &ManifestInput::role, "what the input is for"),
                      field("path", &ManifestInput::path, "a raw file, or the manifest.json of an artefact"),
                      field("sha256", &ManifestInput::sha256, "of that file"),
                      field("bytes", &ManifestInput::bytes, "of that file")};
  }
};

struct ManifestFile {
  std::string path;  // relative to the artefact's directory, with '/'
  std::string sha256;
  uint64_t bytes = 0;
  static constexpr auto fields() {
    return std::tuple{field("path", &ManifestFile::path, "relative to the manifest"),
                      field("sha256", &ManifestFile::sha256, "of the file"),
                      field("bytes", &ManifestFile::bytes, "of the file")};
  }
};

/// A tensor that was not learnt here.
struct ForeignTensor {
  std::string name, sha256;  // of its bytes as they were imported
  static constexpr auto fields() {
    return std::tuple{field("name", &ForeignTensor::name, "as in the model it came with"),
                      field("sha256", &ForeignTensor::sha256, "of its bytes as imported")};
  }
};

/// Weights from outside: the mark that an imported model bears, and everything derived from it.
struct ForeignOrigin {
  std::string name, source, licence;
  std::vector<ForeignTensor> tensors;
  static constexpr auto fields() {
    return std::tuple{field("name", &ForeignOrigin::name, "under which the model was imported"),
                      field("source", &ForeignOrigin::source, "where it came from"),
                      field("licence", &ForeignOrigin::licence, "its licence by name, or empty"),
                      field("tensors", &ForeignOrigin::tensors, "what was imported")};
  }
  bool operator==(const ForeignOrigin& other) const { return name == other.name && source == other.source; }
};

struct Manifest {
  int format = 1;
  std::string kind, name, code_version;
  uint64_t seed = 0;
  Json recipe = Json::object();
  std::vector<ManifestInput> inputs;
  std::vector<ManifestFile> files;
  Json notes = Json::object();
  std::vector<ForeignOrigin> foreign;
  static constexpr auto fields() {
    return std::tuple{field("format", &Manifest::format, "version of this format").range(1, 1),
                      field("kind", &Manifest::kind, "what the artefact is")
                          .one_of("dataset|tokens|tokenizer|checkpoint|model|adapter|evaluation"),
                      field("name", &Manifest::name, "the artefact's name"),
                      field("code_version", &Manifest::code_version, "the code that made it"),
                      field("seed", &Manifest::seed, "seed of everything random in it"),
                      field("recipe", &Manifest::recipe, "the resolved recipe"),
                      field("inputs", &Manifest::inputs, "what it was made from"),
                      field("files", &Manifest::files, "what it consists of"),
                      field("notes", &Manifest::notes, "anything else worth knowing"),
                      field("foreign", &Manifest::foreign, "foreign weights that it descends from").unless_empty()};
  }
};

/// Where an artefact will finally lie: decides which input paths are stored relative to it.
struct Place {
  fs::path directory;  // of the artefact
  fs::path home;       // empty: all paths absolute
};

/// The path as a manifest at `place` stores it, and back.
std::string stored_path(const fs::path& path, const Place& place);
fs::path resolved_path(const std::string& stored, const fs::path& directory);

/// How a file's SHA-256 is obtained: sha256_file, or HashCache::sha256 where re-hashing would be wasteful.
using FileHasher = std::function<std::string(const fs::path&)>;

/// A raw file as an input. Throws kNotFound.
ManifestInput raw_input(std::string role, const fs::path& file, const Place& place, const FileHasher& hasher);
ManifestInput raw_input(std::string role, const fs::path& file, const Place& place);
/// An artefact as an input: its manifest.json. Throws kNotFound if the directory has none.
ManifestInput artefact_input(std::string role, const fs::path& directory, const Place& place);
/// Every file below `directory` but its manifest and the artefacts nested in it, sorted by path.
std::vector<ManifestFile> hash_files(const fs::path& directory);
/// Paths (relative, sorted) of the files that belong to the artefact in `directory`: all but its manifest, what others
/// are still writing, and what lies in a folder that `is_other` says is another artefact. A link to a folder is a file.
std::vector<std::string> files_of(const fs::path& directory, const std::function<bool(const fs::path&)>& is_other);
/// Every folder with a manifest.json is another artefact.
std::vector<std::string> files_of(const fs::path& directory);

/// The exact bytes of manifest.json, the seal included.
std::string render_manifest(const Manifest& manifest);
/// Parses and checks the fields, the seal and the spelling (any changed byte is found). `name` is for messages.
Result<Manifest> parse_manifest(std::string_view text, std::string_view name);
/// Whether a directory holds a manifest that was written here, by its first bytes: a damaged one counts, and another
/// program's manifest.json does not.
bool is_artefact(const fs::path& directory);
void write_manifest(const fs::path& directory, const Manifest& manifest);
/// Takes the artefact's directory or the manifest file itself. Throws kNotFound, kDataLoss or kInvalidArgument.
Manifest read_manifest(const fs::path& artefact);

/// What a stage's result depends on, as one SHA-256: the kind, the resolved recipe (which holds the seed), and the
/// inputs' roles and contents, not their paths. Paths count where the recipe itself names them, as that of a dataset
/// does: they order its documents.
std::string stage_key(std::string_view kind, const Json& recipe, const std::vector<ManifestInput>& inputs);
/// True when `directory` holds a finished artefact with this stage key whose files are all there in full length.
/// Reads no file's content: `verify` does. First settles what killed writers of it left (base/temporary.h), as a writer
/// would: one that died when its work was done leaves nobody anything to write.
bool is_current(const fs::path& directory, const std::string& key);

}  // namespace maru::ledger
