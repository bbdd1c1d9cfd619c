// A tokenizer: text to token ids and back, for any bytes. What it does is said by a TokenizerSpec; load_tokenizer.h
// makes one from files.
//
// encode() and decode() are exact inverses for byte-level tokenizers without a normalizer, whatever the bytes. A
// Tokenizer is immutable (but for set_roles before sharing): share it between threads, with one Encoder per thread in
// hot loops.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "text/tokenizer/added_tokens.h"
#include "text/tokenizer/normalizer.h"
#include "text/tokenizer/post_processor.h"
#include "text/tokenizer/pre_tokenizer.h"
#include "text/tokenizer/subword_model.h"
#include "text/tokenizer/token_decoder.h"
#include "text/tokenizer/token_table.h"
#include "text/tokenizer/tokenizer_spec.h"

namespace maru::text {

struct EncodeOptions {
  bool add_special_tokens = false;  // what the file's post_processor puts around a text, e.g. bos
  bool parse_special = true;        // false: the spelling of a special token is plain text
};

/// Which ids play the parts that programs ask for.
struct TokenRoles {
  std::optional<int32_t> bos, eos, pad, unk, sep, cls, mask;
};

/// Token ids and, for models that are told where a second text begins, the type of each.
struct Encoding {
  std::vector<int32_t> ids;
  std::vector<uint32_t> type_ids;
};

class Tokenizer {
 public:
  /// `name` stands in the errors. Any spec may be given: ids that do not fit together are refused.
  static Result<Tokenizer> create(TokenizerSpec spec, std::string_view name);

  /// Cost     Allocates; use an Encoder in loops.
  std::vector<int32_t> encode(std::string_view text, const EncodeOptions& options = {}) const;
  /// Both texts with what the post-processor puts around and between them, as cross-encoders want it.
  ///
  /// Cost     Allocates; use an Encoder in loops.
  Encoding encode_pair(std::string_view first, std::string_view second,
                       const EncodeOptions& options = {.add_special_tokens = true}) const;
  /// The text of the tokens; bytes that are no text come as they are from byte-level tokenizers, else as U+FFFD.
  /// Throws kInvalidArgument for an id that is no token's.
  std::string decode(std::span<const int32_t> ids, bool skip_special = false) const;

  /// Largest id + 1.
  int32_t vocab_size() const { return tokens_->size(); }
  bool contains(int32_t id) const { return tokens_->contains(id); }
  /// By the bytes of a token in byte-level tokenizers, else by its spelling in the file.
  std::optional<int32_t> id_of(std::string_view spelling) const { return tokens_->find(spelling); }
  /// What id_of() takes. Throws kInvalidArgument for an id that is no token's.
  std::string_view spelling_of(int32_t id) const;
  /// What decoding begins with: the same, but for added tokens of the normalised text, which are in their normalised
  /// form.
  std::string_view decoded_spelling_of(int32_t id) const;
  /// The bytes that the token stands for inside a text. Throws kInvalidArgument for an id that is no token's.
  std::string bytes_of(int32_t id) const;
  bool is_special(int32_t id) const { return id >= 0 && id < vocab_size() && special_[id]; }

  std::optional<int32_t> bos() const { return roles_.bos; }
  std::optional<int32_t> eos() const { return roles_.eos; }
  std::optional<int32_t> pad() const { return roles_.pad; }
  const TokenRoles& roles() const { return roles_; }
  void set_roles(const TokenRoles& roles) { roles_ = roles; }

  const TokenizerSpec& spec() const { return *spec_; }
  const Normalizer& normalizer() const { return normalizer_; }
  const PreTokenizer& pre_tokenizer() const { return pre_tokenizer_; }
  const Wrapping& wrapping() const { return wrapping_; }
  /// Not used by byte-level tokenizers, whose text is their tokens' bytes.
  const TokenDecoder& decoder() const { return decoder_; }
  const SubwordModel& model() const { return *model_; }
  /// The matcher of added tokens: those of the raw or of the normalised text, all or only the non-special ones.
  const AddedTokenMatcher& matcher(bool normalized, bool parse_special) const {
    return matchers_[2 * normalized + parse_special];
  }

 private:
  Tokenizer() = default;
  void build_matchers();
  void guess_roles();
  std::optional<int32_t> unknown() const;
  std::shared_ptr<const TokenizerSpec> spec_;
  std::shared_ptr<const TokenTable> tokens_;
  std::shared_ptr<const SubwordModel> model_;
  Normalizer normalizer_;
  PreTokenizer pre_tokenizer_;
  Wrapping wrapping_;
  TokenDecoder decoder_;
  std::array<AddedTokenMatcher, 4> matchers_;
  std::vector<bool> special_;
  std::unordered_map<int32_t, std::string> normalized_spelling_;  // of added tokens that differ from their content
  TokenRoles roles_;
};

}  // namespace maru::text
