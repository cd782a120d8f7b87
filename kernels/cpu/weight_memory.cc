#include "weight_memory.h"

#include <hwy/targets.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <new>
#include <span>
#include <utility>

#include "cpu_caches.h"
#include "kernels_fingerprint.h"
#include "secret_digest.h"
#include "weight_store.h"

namespace sidenet::kernels::cpu {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kChunk = std::size_t{32}
                               << 20;  // pages of it that nobody writes to take no memory
constexpr std::size_t kSmall = std::size_t{256} << 10;

std::shared_ptr<std::byte> allocate(std::size_t alignment, std::size_t bytes) {
  void* data = nullptr;
  if (::posix_memalign(&data, alignment, bytes) != 0) throw std::bad_alloc();
  if (alignment == kHugePage) ::madvise(data, bytes, MADV_HUGEPAGE);
  return {static_cast<std::byte*>(data), [](std::byte* p) { std::free(p); }};
}

}  // namespace

std::shared_ptr<float> allocate_weights(std::size_t count) {
  if (count > (~std::size_t{0} - kHugePage) / sizeof(float)) throw std::bad_alloc();
  const std::size_t bytes = std::max<std::size_t>((count * sizeof(float) + 63) / 64 * 64, 64);
  std::shared_ptr<std::byte> owner;
  std::size_t offset = 0;
  if (bytes < kSmall) {
    owner = allocate(64, bytes);
  } else if (bytes > kChunk / 2) {
    owner = allocate(kHugePage, (bytes + kHugePage - 1) / kHugePage * kHugePage);
  } else {
    static std::mutex mutex;
    static std::weak_ptr<std::byte> current;
    static std::size_t used = 0;
    const std::lock_guard lock(mutex);
    owner = current.lock();
    if (!owner || bytes > kChunk - used) {
      owner = allocate(kHugePage, kChunk);
      current = owner;
      used = 0;
    }
    offset = used;
    used += bytes;
  }
  float* data = reinterpret_cast<float*>(owner.get() + offset);
  return {std::move(owner), data};
}

const std::string& machine_fingerprint() {
  // Once: a virtual machine takes microseconds for each of the instructions that tell the targets.
  static const std::string text = std::to_string(hwy::SupportedTargets()) + ' ' +
                                  std::to_string(cpu_caches().first_level_ways) + ' ' +
                                  std::to_string(cpu_caches().second_level_bytes);
  return text;
}

void add_floats(SecretDigest& digest, const float* values, std::size_t count) {
  digest.add(std::uint64_t{values != nullptr});
  if (values) digest.add_many(std::as_bytes(std::span(values, count)));
}

WeightMemory cached_or_new_weights(std::size_t count,
                                   const std::function<void(SecretDigest&)>& made_of) {
  WeightStore* store = WeightStore::current();
  if (!store || !store->keeps(count)) return {allocate_weights(count), false};
  SecretDigest digest = store->digest();
  digest.add(SIDENET_KERNELS_FINGERPRINT).add(machine_fingerprint());
  made_of(digest);
  const std::string name = digest.hex();
  if (auto kept = store->find(name, count)) return {std::move(kept), true};
  std::shared_ptr<float> data = allocate_weights(count);
  store->keep(name, data, count);
  return {std::move(data), false};
}

}  // namespace sidenet::kernels::cpu
