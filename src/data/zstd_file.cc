#include "data/zstd_file.h"

#include <zstd.h>

#include <string>

#include "base/error.h"

namespace maru::data {

struct ZstdFile::State {
  AtomicFile file;
  std::string buffer = std::string(ZSTD_CStreamOutSize(), '\0');
  std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context{ZSTD_createCCtx(), ZSTD_freeCCtx};

  // Runs the compressor until the input is used up and, at the end, until everything is flushed.
  void compress(std::string_view bytes, ZSTD_EndDirective directive) {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    for (;;) {
      ZSTD_outBuffer out{buffer.data(), buffer.size(), 0};
      const size_t left = ZSTD_compressStream2(context.get(), &out, &in, directive);
      CHECK(!ZSTD_isError(left));
      file.write(std::string_view(buffer.data(), out.pos));
      if (directive == ZSTD_e_end ? left == 0 : in.pos == in.size) return;
    }
  }
};

ZstdFile::ZstdFile(const fs::path& path, int level) : state_(new State{AtomicFile(path)}) {
  CHECK(!ZSTD_isError(ZSTD_CCtx_setParameter(state_->context.get(), ZSTD_c_compressionLevel, level)));
  CHECK(!ZSTD_isError(ZSTD_CCtx_setParameter(state_->context.get(), ZSTD_c_checksumFlag, 1)));
}

ZstdFile::~ZstdFile() = default;
void ZstdFile::write(std::string_view bytes) { state_->compress(bytes, ZSTD_e_continue); }

void ZstdFile::commit() {
  state_->compress({}, ZSTD_e_end);
  state_->file.commit();
}

}  // namespace maru::data
