#include "matmul_peer.h"

#if MARU_HAVE_DNNL
#include <omp.h>

#include <oneapi/dnnl/dnnl.hpp>
#include <vector>
#endif

namespace maru::bench {

#if MARU_HAVE_DNNL

struct PeerMatmul::State {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  dnnl::matmul multiply;
  dnnl::memory a, c;
  std::vector<dnnl::memory> b;
  size_t turn = 0;
};

namespace {

using Type = dnnl::memory::data_type;
using Tag = dnnl::memory::format_tag;

dnnl::matmul::primitive_desc describe(const PeerShape& p, const dnnl::engine& engine, const dnnl::memory::desc& b) {
  const Type type = p.bf16 ? Type::bf16 : Type::f32, result = p.bf16_result ? Type::bf16 : Type::f32;
  const dnnl::memory::desc a({p.m, p.k}, type, p.transpose_a ? Tag::ba : Tag::ab), c({p.m, p.n}, result, Tag::ab);
  dnnl::primitive_attr attributes;
  if (p.add) {
    dnnl::post_ops sum;
    sum.append_sum(1);
    attributes.set_post_ops(sum);
  }
  return {dnnl::matmul::desc(a, b, c), attributes, engine};
}

}  // namespace

PeerMatmul::PeerMatmul(const PeerShape& p, int threads, const void* a, const void* b, void* c, int64_t copies)
    : state_(std::make_unique<State>()) {
  omp_set_num_threads(threads);
  try {
    prepare(p, a, b, c, copies);
  } catch (const dnnl::error& error) {
    if (error.status != dnnl_unimplemented) throw;  // bf16 on processors without AVX-512
    state_.reset();
  }
}
void PeerMatmul::prepare(const PeerShape& p, const void* a, const void* b, void* c, int64_t copies) {
  State& s = *state_;
  const Type type = p.bf16 ? Type::bf16 : Type::f32;
  const dnnl::memory::desc plain({p.k, p.n}, type, p.transpose_b ? Tag::ba : Tag::ab);
  const auto chosen = describe(p, s.engine, p.packed ? dnnl::memory::desc({p.k, p.n}, type, Tag::any) : plain);
  s.multiply = dnnl::matmul(chosen);
  s.a = dnnl::memory(chosen.src_desc(), s.engine, const_cast<void*>(a));
  s.c = dnnl::memory(chosen.dst_desc(), s.engine, c);
  dnnl::memory source(plain, s.engine, const_cast<void*>(b));
  for (int64_t i = 0; i < copies; ++i) {
    s.b.push_back(p.packed ? dnnl::memory(chosen.weights_desc(), s.engine) : source);
    if (p.packed) dnnl::reorder(source, s.b.back()).execute(s.stream, source, s.b.back());
  }
  s.stream.wait();
}
bool PeerMatmul::available() const { return state_ != nullptr; }
void PeerMatmul::run() {
  State& s = *state_;
  dnnl::memory& b = s.b[s.turn++ % s.b.size()];
  s.multiply.execute(s.stream, {{DNNL_ARG_SRC, s.a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, s.c}});
  s.stream.wait();
}

#else

struct PeerMatmul::State {};
PeerMatmul::PeerMatmul(const PeerShape&, int, const void*, const void*, void*, int64_t) {}
bool PeerMatmul::available() const { return false; }
void PeerMatmul::run() {}

#endif

PeerMatmul::~PeerMatmul() = default;

}  // namespace maru::bench
