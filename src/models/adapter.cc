#include "models/adapter.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <atomic>
#include <cmath>
#include <set>

#include "base/json.h"
#include "base/random.h"
#include "models/adapter_files.h"
#include "models/placement.h"
#include "models/registry.h"
#include "models/weight_source.h"
#include "models/weights.h"
#include "ops/lora.h"
#include "ops/step_memory.h"

namespace maru {
namespace {

using formats::LoraAdapter;
using formats::LoraUpdate;
using formats::StoredTensor;

template <class T>
T element_of(float x) {
  if constexpr (std::is_same_v<T, bfloat16>)
    return to_bfloat16(x);
  else
    return T(x);
}

/// A tensor of the device, element by element: at(r, c).
template <class At>
Tensor make_tensor(Device& device, Shape shape, Dtype dtype, const At& at) {
  const Tensor t = host_tensor(shape, dtype);
  visit_dtype(dtype, [&]<class T>() {
    for (int64_t r = 0; r < shape.rows; ++r)
      for (int64_t c = 0; c < shape.cols; ++c) t.data<T>()[r * shape.cols + c] = element_of<T>(at(r, c));
  });
  return device.place(t);
}

/// Reads an adapter's tensors for the parameters of one model.
class Reader {
 public:
  Reader(Device& device, Decoder& model, const LoraAdapter& stored)
      : device_(device), dtype_(model.dtype()), stored_(stored), placement_(model) {
    for (const std::string& name : stored.targets()) unread_.insert(name);
  }

  /// As the adapter calls the tensor that holds a parameter: by its name, or by that without the base model's.
  std::string name_of(const WeightPlace& place) const {
    const std::string& full = place.tensor;
    return stored_.changes(full) ? full : full.substr(full.find('.') + 1);
  }
  /// `base` is what it adds to: the parameter, or its replacement.
  bool update(const Parameter& parameter, const Parameter& base, LoraWeights& into);
  bool replacement(const Parameter& parameter, Parameter& into);
  void refuse_unread() const {
    if (!unread_.empty())
      throw Failure(ErrorCode::kDataLoss, fmt::format("{}: the model has no tensor {}, which the adapter changes",
                                                      stored_.where(), *unread_.begin()));
  }

 private:
  [[noreturn]] void refuse(const Parameter& parameter, const std::string& what) const {
    throw Failure(ErrorCode::kUnimplemented, fmt::format("{}: {}: {}", stored_.where(), parameter.name, what));
  }
  void check(const Parameter& parameter, const LoraUpdate& update, const StoredPart& part) const;
  Tensor row_factors(const Parameter& parameter, const Parameter& base, const LoraUpdate& update,
                     const StoredPart& part, const LoraWeights& lora);

  Device& device_;
  StepMemory memory_{device_};  // of the lengths of rows
  Dtype dtype_;
  const LoraAdapter& stored_;
  Placement placement_;
  std::set<std::string> unread_;
};

void Reader::check(const Parameter& parameter, const LoraUpdate& update, const StoredPart& part) const {
  if (parameter.role == ParameterRole::kPositions) refuse(parameter, "adapters of learned positions are not supported");
  if (parameter.name.find(".experts.") != std::string::npos)
    refuse(parameter, "adapters of single experts are not supported beside the weights; `maru merge` takes them");
  const bool table = parameter.role == ParameterRole::kEmbedding;
  Shape made{update.b->shape[0], update.a->shape[1]}, has{part.total_rows, part.shape.cols};
  if (update.embedding) std::swap(made.rows, made.cols);
  if (is_vector(parameter.role) || table != update.embedding || made != has)
    throw Failure(ErrorCode::kDataLoss,
                  fmt::format("{}: {}: made for {}[{}, {}], the model has {}[{}, {}]", stored_.where(), parameter.name,
                              update.embedding ? "a token table of " : "", made.rows, made.cols,
                              table ? "a token table of " : "", has.rows, has.cols));
}

bool Reader::update(const Parameter& parameter, const Parameter& base, LoraWeights& into) {
  const WeightPlace place = placement_.place(parameter.name);
  const std::string name = name_of(place);
  const LoraUpdate* u = stored_.update(name);
  if (u == nullptr) return false;
  unread_.erase(name);
  const StoredPart part = placement_.part(parameter.name, place);
  check(parameter, *u, part);
  const std::vector<float> a = formats::read_plain(*u->a, stored_.where());
  const std::vector<float> b = formats::read_plain(*u->b, stored_.where());
  const int64_t rank = u->rank(), in = u->a->shape[1];
  into.scale = u->scale;
  // An adapter's table is stored across: tokens are columns.
  into.a.value = u->embedding
                     ? make_tensor(device_, {in, rank}, dtype_, [&](int64_t r, int64_t c) { return a[c * in + r]; })
                     : make_tensor(device_, {rank, in}, dtype_, [&](int64_t r, int64_t c) { return a[r * in + c]; });
  const int64_t rows = u->embedding ? part.shape.cols : part.shape.rows;
  into.b.value = make_tensor(device_, {rows, rank}, dtype_,
                             [&](int64_t r, int64_t c) { return b[(u->embedding ? r : part.row_of(r)) * rank + c]; });
  if (u->magnitude != nullptr) into.row_scale = row_factors(parameter, base, *u, part, into);
  return true;
}

// How long the adapter wants each row, over how long it is.
Tensor Reader::row_factors(const Parameter& parameter, const Parameter& base, const LoraUpdate& u,
                           const StoredPart& part, const LoraWeights& lora) {
  std::vector<double> lengths;
  memory_.run([&](Context& ctx) {
    const Tensor norms = lora_row_norms(ctx, base, lora);
    if (ctx.arena.dry()) return;
    const Tensor read = to_host(norms);
    lengths.assign(read.data<double>(), read.data<double>() + read.size());
  });
  const std::vector<float> wanted = formats::read_plain(*u.magnitude, stored_.where());
  return make_tensor(device_, {1, parameter.shape.rows}, accumulator_of(dtype_), [&](int64_t, int64_t r) {
    const double factor = wanted[static_cast<size_t>(part.row_of(r))] / lengths[static_cast<size_t>(r)];
    if (!std::isfinite(factor))
      throw Failure(ErrorCode::kDataLoss,
                    fmt::format("{}: {}: DoRA divides by the length of row {}, which is {}", stored_.where(),
                                parameter.name, r, lengths[static_cast<size_t>(r)]));
    return static_cast<float>(factor);
  });
}

bool Reader::replacement(const Parameter& parameter, Parameter& into) {
  const WeightPlace place = placement_.place(parameter.name);
  const std::string name = name_of(place);
  const StoredTensor* stored = stored_.replacement(name);
  if (stored == nullptr) return false;
  unread_.erase(name);
  const StoredPart part = placement_.part(parameter.name, place);
  if (const auto expected = stored_shape(part, parameter.role); stored->shape != expected)
    throw Failure(ErrorCode::kDataLoss, fmt::format("{}: {}: shape [{}], the model has [{}]", stored_.where(), name,
                                                    fmt::join(stored->shape, ", "), fmt::join(expected, ", ")));
  const std::vector<float> values = formats::read_plain(*stored, stored_.where());
  const int64_t columns = part.shape.cols;  // a vector is one of them here
  into.value = make_tensor(device_, parameter.shape, maru::dtype_of(parameter.role, dtype_), [&](int64_t r, int64_t c) {
    const int64_t i = r * parameter.shape.cols + c;
    return values[static_cast<size_t>(part.at(i / columns) + i % columns * part.stride())];
  });
  return true;
}

bool changes_table(Decoder& model, const LoraAdapter& stored) {
  const auto rules = family_of(model.config()).weights;
  for (const char* parameter : {"model.embed_tokens.weight", "lm_head.weight"}) {
    const std::string tensor = place_of(parameter, rules).tensor;
    if (stored.changes(tensor) || stored.changes(tensor.substr(tensor.find('.') + 1))) return true;
  }
  return false;
}

// Of a matrix as it is, for an adapter that changes nothing yet.
Tensor row_lengths(Device& device, const Parameter& parameter, const LoraWeights& lora, Dtype dtype) {
  Tensor lengths;
  StepMemory(device).run([&](Context& ctx) {
    const Tensor norms = lora_row_norms(ctx, parameter, lora);
    if (ctx.arena.dry()) return;
    const Tensor read = to_host(norms);
    lengths = make_tensor(device, {1, parameter.shape.rows}, accumulator_of(dtype), [&](int64_t, int64_t r) {
      const double length = read.data<double>()[r];
      if (length == 0)
        throw Failure(ErrorCode::kInvalidArgument,
                      fmt::format("lora.use_dora: {}: row {} is all zeros and has no direction", parameter.name, r));
      return static_cast<float>(length);
    });
  });
  return lengths;
}

uint64_t next_serial() {
  static std::atomic<uint64_t> serials{0};
  return ++serials;
}

}  // namespace

Adapter::Adapter(Device& device, Decoder& model, const LoraAdapter& stored)
    : Model(model.dtype()), serial_(next_serial()) {
  place(device, model);
  if (changes_table(model, stored)) model.separate_head();
  Reader reader(device, model, stored);
  for (Parameter* parameter : model.parameters()) {
    Parameter own;
    LoraWeights lora;
    const bool replaced = reader.replacement(*parameter, own);
    const bool updated = reader.update(*parameter, replaced ? own : *parameter, lora);
    if (updated) weights_.updates[parameter] = std::move(lora);
    if (replaced) weights_.replacements[parameter] = std::move(own);
    if (updated || replaced) changed_.push_back(parameter);
  }
  reader.refuse_unread();
  name_parameters();
}

Adapter::Adapter(Device& device, Decoder& model, const LoraConfig& config, uint64_t seed)
    : Model(model.dtype()), serial_(next_serial()) {
  place(device, model);
  if (!config.modules_to_save.empty()) model.separate_head();
  for (const Parameter* parameter : saved_whole(model, config)) {
    Tensor& own = weights_.replacements[parameter].value;
    own = device.tensor(parameter->shape, maru::dtype_of(parameter->role, dtype()));
    device.copy(own, parameter->value);
    changed_.push_back(parameter);
  }
  begin(device, lora_targets(model, config), config, seed);
  name_parameters();
}

Adapter::Adapter(Device& device, Encoder& model, const LoraConfig& config, uint64_t seed)
    : Model(model.dtype()), serial_(next_serial()) {
  CHECK(config.modules_to_save.empty());
  place(device, model);
  begin(device, lora_targets(model, config), config, seed);
  name_parameters();
}

void Adapter::begin(Device& device, const std::vector<const Parameter*>& targets, const LoraConfig& config,
                    uint64_t seed) {
  for (const Parameter* parameter : targets) {
    LoraWeights& lora = weights_.updates[parameter];
    Random random(derive_seed(seed, parameter->name + ".lora_A"));
    const double bound = 1 / std::sqrt(static_cast<double>(parameter->shape.cols));
    lora.a.value = make_tensor(device, {config.rank, parameter->shape.cols}, dtype(), [&](int64_t, int64_t) {
      return static_cast<float>(bound * (2 * random.uniform() - 1));
    });
    lora.b.value =
        make_tensor(device, {parameter->shape.rows, config.rank}, dtype(), [](int64_t, int64_t) { return 0.0F; });
    lora.scale = config.scale();
    if (config.use_dora.value_or(false)) lora.magnitude.value = row_lengths(device, *parameter, lora, dtype());
    changed_.push_back(parameter);
  }
}

void Adapter::visit(const Visitor& visitor) {
  for (const Parameter* of : changed_) {
    if (Parameter* own = weights_.replacement(*of)) visitor(of->name, *own, of->shape, of->role);
    LoraWeights* const update = weights_.update(*of);
    if (update == nullptr) continue;
    visitor(of->name + ".lora_A", update->a, update->a.value.shape(), ParameterRole::kMatrix);
    visitor(of->name + ".lora_B", update->b, update->b.value.shape(), ParameterRole::kMatrix);
    if (Parameter& lengths = update->magnitude; lengths.value)
      visitor(of->name + ".lora_magnitude_vector", lengths, lengths.value.shape(), ParameterRole::kLengths);
  }
}

namespace {

float number_at(const Tensor& t, int64_t r, int64_t c) {
  const int64_t i = r * t.cols() + c;
  return t.dtype() == Dtype::kBf16 ? to_float(t.data<bfloat16>()[i]) : t.data<float>()[i];
}

// value + scale · b · a with its rows made as long as they are to be; of a table, whose rows are tokens, a · bᵀ.
Tensor merged_value(Device& device, const Parameter& parameter, LoraWeights& lora, const Tensor& lengths) {
  const Tensor value = to_host(parameter.value), a = to_host(lora.a.value), b = to_host(lora.b.value);
  const bool table = parameter.role == ParameterRole::kEmbedding;
  const int64_t rank = b.cols();
  return make_tensor(device, value.shape(), value.dtype(), [&](int64_t r, int64_t c) {
    float sum = 0;
    for (int64_t k = 0; k < rank; ++k)
      sum += table ? number_at(a, r, k) * number_at(b, c, k) : number_at(b, r, k) * number_at(a, k, c);
    const float whole = number_at(value, r, c) + static_cast<float>(lora.scale) * sum;
    return lengths ? number_at(lengths, 0, r) * whole : whole;
  });
}

// DoRA's factors of the rows; empty without it.
Tensor row_factors_of(Device& device, const Parameter& parameter, LoraWeights& lora) {
  if (lora.row_scale) return to_host(lora.row_scale);
  if (!lora.magnitude.value) return {};
  const Tensor wanted = to_host(lora.magnitude.value);
  const Tensor has = to_host(row_lengths(device, parameter, lora, parameter.value.dtype()));
  return make_tensor(device, wanted.shape(), Dtype::kF32,
                     [&](int64_t, int64_t r) { return number_at(wanted, 0, r) / number_at(has, 0, r); });
}

}  // namespace

void merge_adapter(Device& device, Model& model, Adapter& adapter) {
  for (Parameter* parameter : model.parameters()) {
    const bool changed =
        adapter.weights().update(*parameter) != nullptr || adapter.weights().replacement(*parameter) != nullptr;
    if (changed && parameter->quantized)
      throw Failure(ErrorCode::kInvalidArgument, parameter->name + ": is quantized, expected values to merge into");
  }
  for (Parameter* parameter : model.parameters()) {
    if (Parameter* const own = adapter.weights().replacement(*parameter)) parameter->value = own->value;
    LoraWeights* const lora = adapter.weights().update(*parameter);
    if (lora == nullptr) continue;
    const Tensor factors = row_factors_of(device, *parameter, *lora);
    parameter->value = merged_value(device, *parameter, *lora, factors);
  }
}

namespace {

/// The family whose architecture config.json names, by class or by type; null: one that is not known.
const Family* known_family(const Json& config) {
  const auto it = config.find("architectures");
  const bool listed = it != config.end() && it->is_array() && !it->empty();
  const Json name = listed ? it->front() : Json(), type = config.value("model_type", Json());
  for (const Family* family : all_families())
    if (name == family->name || (type == family->model_type && !type.is_null())) return family;
  return nullptr;
}

}  // namespace

void merge_into_model(const fs::path& model, const LoraAdapter& adapter, const fs::path& out,
                      const std::function<void(uint64_t)>& progress) {
  const Json config = read_json(model / "config.json");
  const Family* family = config.is_object() ? known_family(config) : nullptr;
  const Json type = config.is_object() ? config.value("model_type", Json()) : Json();
  if (family == nullptr && (adapter.fan_in_fan_out() || type == "openai-gpt" || type == "imagegpt"))
    throw Failure(ErrorCode::kUnimplemented,
                  fmt::format("{}: the architecture is not known, nor whether its matrices are [in, out] as {} says",
                              (model / "config.json").string(), adapter.where()));
  const auto rules = family != nullptr ? family->weights : std::span<const WeightRule>();
  formats::merge_adapter(
      model, adapter, out, [&](const std::string& tensor) { return is_transposed(tensor, rules); }, progress);
}

}  // namespace maru
