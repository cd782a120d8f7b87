#include "weight_keeper.h"

#include <utility>

namespace sidenet {
namespace {
thread_local WeightKeeper* of_this_thread = nullptr;
}

WeightKeeper* WeightKeeper::current() { return of_this_thread; }

WeightKeeper::Use::Use(WeightKeeper* keeper) : before_(std::exchange(of_this_thread, keeper)) {}
WeightKeeper::Use::~Use() { of_this_thread = before_; }

}  // namespace sidenet
