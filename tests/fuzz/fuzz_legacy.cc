// torch.save's files from before zip: five pickles, and storages.
#include "fuzz_support.h"
#include "pytorch_legacy.h"
#include "sidenet/checkpoint.h"

using namespace sidenet;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input = fuzz::enlarged({reinterpret_cast<const char*>(data), size});
  fuzz::refusable("input", [&] {
    const auto checkpoint = read_pytorch_legacy(fuzz::as_bytes(input), nullptr, "input");
    for (const auto& [name, tensor] : checkpoint.tensors) fuzz::touch(tensor);
  });
  return 0;
}
