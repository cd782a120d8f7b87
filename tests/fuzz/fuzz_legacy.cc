// torch.save's files from before zip: five pickles, and storages.
#include "checkpoint.h"
#include "fuzz_support.h"
#include "pytorch_legacy.h"

using namespace sidenet;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::refusable("input", [&] {
    const auto checkpoint = read_pytorch_legacy(std::as_bytes(std::span(data, size)), nullptr, "input");
    for (const auto& [name, tensor] : checkpoint.tensors) fuzz::touch(tensor);
  });
  return 0;
}
