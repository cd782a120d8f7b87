#include "weight_store.h"

#include <utility>

namespace sidenet {
namespace {
thread_local WeightStore* of_this_thread = nullptr;
}

WeightStore* WeightStore::current() { return of_this_thread; }

WeightStore::Use::Use(WeightStore* store) : before_(std::exchange(of_this_thread, store)) {}
WeightStore::Use::~Use() { of_this_thread = before_; }

}  // namespace sidenet
