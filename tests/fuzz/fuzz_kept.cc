// The head of a file of kept weights, and every float that it leads to.
#include "fuzz_support.h"
#include "kept_weights.h"

using namespace sidenet;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> file = std::as_bytes(std::span(data, size));
  fuzz::refusable("input", [&] {
    for (const KeptEntry& entry : read_kept_head(file, 4, "input")) {
      fuzz::expect(entry.step < 4, "a step that there is");
      fuzz::touch(file.subspan(entry.offset, entry.floats * sizeof(float)));
    }
  });
  return 0;
}
