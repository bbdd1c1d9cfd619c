// A tokenizer: text to token ids and back, for any bytes. Byte-level BPE in Hugging Face's tokenizer.json.
//
// encode() and decode() are exact inverses for tokenizers without a normalizer, whatever the bytes. A Tokenizer is
// immutable (but for set_roles before sharing): share it between threads, with one Encoder per thread in hot loops.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "text/added_tokens.h"
#include "text/pre_tokenizer.h"
#include "text/subword_model.h"
#include "text/token_table.h"
#include "text/tokenizer_spec.h"

namespace maru::text {

struct EncodeOptions {
  bool add_special_tokens = false;  // what the file's post_processor puts around a text, e.g. bos
  bool parse_special = true;        // false: the spelling of a special token is plain text
};

/// Which ids play the parts that programs ask for.
struct TokenRoles {
  std::optional<int32_t> bos, eos, pad, unk;
};

class Tokenizer {
 public:
  /// `name` stands in the errors.
  static Result<Tokenizer> create(TokenizerSpec spec, std::string_view name);
  /// The text of a tokenizer.json. Roles: bos from its post_processor, the others by their usual names.
  static Result<Tokenizer> parse(std::string_view json, std::string_view name);
  /// A tokenizer.json, or a directory with one; roles also from tokenizer_config.json beside it.
  ///
  /// Throws   kNotFound, kInvalidArgument, kUnimplemented.
  static Tokenizer load(const fs::path& file_or_directory);
  std::string to_json() const;

  /// Cost     Allocates; use an Encoder in loops.
  std::vector<int32_t> encode(std::string_view text, const EncodeOptions& options = {}) const;
  /// The bytes of the tokens. Throws kInvalidArgument for an id that is no token's.
  std::string decode(std::span<const int32_t> ids, bool skip_special = false) const;

  /// Largest id + 1.
  int32_t vocab_size() const { return tokens_->size(); }
  bool contains(int32_t id) const { return tokens_->contains(id); }
  std::optional<int32_t> id_of(std::string_view bytes) const { return tokens_->find(bytes); }
  /// Throws kInvalidArgument for an id that is no token's.
  std::string_view bytes_of(int32_t id) const;
  bool is_special(int32_t id) const { return id >= 0 && id < vocab_size() && special_[id]; }

  std::optional<int32_t> bos() const { return roles_.bos; }
  std::optional<int32_t> eos() const { return roles_.eos; }
  std::optional<int32_t> pad() const { return roles_.pad; }
  const TokenRoles& roles() const { return roles_; }
  void set_roles(const TokenRoles& roles) { roles_ = roles; }

  const TokenizerSpec& spec() const { return *spec_; }
  const PreTokenizer& pre_tokenizer() const { return pre_tokenizer_; }
  const SubwordModel& model() const { return *model_; }
  /// The matcher of added tokens: those of the raw or of the normalised text, all or only the non-special ones.
  const AddedTokenMatcher& matcher(bool normalized, bool parse_special) const {
    return matchers_[2 * normalized + parse_special];
  }

 private:
  Tokenizer() = default;
  void build_matchers();
  void guess_roles();
  std::shared_ptr<const TokenizerSpec> spec_;
  std::shared_ptr<const TokenTable> tokens_;
  std::shared_ptr<const SubwordModel> model_;
  PreTokenizer pre_tokenizer_;
  std::array<AddedTokenMatcher, 4> matchers_;
  std::vector<bool> special_;
  TokenRoles roles_;
};

}  // namespace maru::text
