// A NumPy array.
#include "fuzz_support.h"
#include "sidenet/npy.h"

using namespace sidenet;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::refusable("input", [&] {
    fuzz::touch(read_npy(std::as_bytes(std::span(data, size)), nullptr, "input"));
  });
  return 0;
}
