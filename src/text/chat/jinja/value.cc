#include "text/chat/jinja/value.h"

#include "base/error.h"

namespace maru::text::jinja {

Heap::~Heap() {
  if (memory_) memory_->used_ -= charged_;
}

void Heap::release(std::shared_ptr<Heap> child) {
  if (memory_ && child && child.use_count() == 1) memory_->bury(std::move(child));
}

void Memory::charge(Heap& object, int64_t bytes) {
  if (bytes > room())
    throw Failure(ErrorCode::kExhausted, "expected to use at most " + std::to_string(limit_) + " bytes of memory");
  used_ += bytes;
  object.charged_ += bytes;
  if (!object.memory_) object.memory_ = shared_from_this();
}

void Memory::bury(std::shared_ptr<Heap> object) {
  graves_.push_back(std::move(object));
  if (digging_) return;
  digging_ = true;
  while (!graves_.empty()) {
    const std::shared_ptr<Heap> last = std::move(graves_.back());
    graves_.pop_back();
  }
  digging_ = false;
}

Value Value::boolean(bool b) {
  Value v(Kind::kBool);
  v.bits_.integer = b ? 1 : 0;
  return v;
}

Value Value::integer(int64_t i) {
  Value v(Kind::kInt);
  v.bits_.integer = i;
  return v;
}

Value Value::real(double d) {
  Value v(Kind::kFloat);
  v.bits_.real = d;
  return v;
}

double Value::as_real() const { return is(Kind::kFloat) ? bits_.real : static_cast<double>(bits_.integer); }
const MarkedText& Value::text() const { return heap_as<StringData>().text; }
const Values& Value::items() const { return heap_as<SequenceData>().items; }

bool Value::is_list() const { return is_sequence() && heap_as<SequenceData>().sequence_kind == SequenceKind::kList; }

bool Value::is_tuple() const {
  if (!is_sequence()) return false;
  const SequenceKind kind = heap_as<SequenceData>().sequence_kind;
  return kind == SequenceKind::kTuple || kind == SequenceKind::kGroup;
}

bool Value::same_object(const Value& other) const {
  if (kind_ != other.kind_) return false;
  if (heap_ || other.heap_) return heap_ == other.heap_;
  return is(Kind::kFloat) ? bits_.real == other.bits_.real : bits_.integer == other.bits_.integer;
}

std::shared_ptr<Heap> Value::take_heap() { return std::move(heap_); }

SequenceData::~SequenceData() {
  for (Value& item : items) release(item.take_heap());
}

IteratorData::~IteratorData() {
  for (Value& item : items) release(item.take_heap());
}

DictData::~DictData() {
  for (auto& [key, value] : entries) {
    release(key.take_heap());
    release(value.take_heap());
  }
}

}  // namespace maru::text::jinja
