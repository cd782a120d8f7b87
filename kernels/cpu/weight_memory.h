#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace sidenet {
class SecretDigest;
}

namespace sidenet::kernels::cpu {

/// Uninitialised, 64-byte aligned floats that live as long as the pointer. Weights of 256 KiB and
/// more lie side by side in chunks of huge pages (where the system has them): a weight seldom is a
/// multiple of 2 MiB, and what is left of it on small pages costs 3 % at 128 rows and 14 % at one
/// (768 x 768, measured). A chunk is freed with the last weight in it. Thread-safe. Throws
/// std::bad_alloc.
std::shared_ptr<float> allocate_weights(std::size_t count);

struct WeightMemory {
  std::shared_ptr<float> data;
  bool filled;  ///< by an earlier process, with just these weights: not to be written to
};
/// Of the WeightStore that this thread uses, if it has them, or from allocate_weights(). made_of:
/// gives a digest all that the caller makes them of, besides this build's code: the form and its
/// sizes, and every weight that goes in.
WeightMemory cached_or_new_weights(std::size_t count,
                                   const std::function<void(SecretDigest&)>& made_of);
/// Floats, or that there are none (null).
void add_floats(SecretDigest& digest, const float* values, std::size_t count);
/// What the choice among kernels, and the form of their weights, depends on besides the code:
/// instruction sets and caches.
const std::string& machine_fingerprint();

}  // namespace sidenet::kernels::cpu
