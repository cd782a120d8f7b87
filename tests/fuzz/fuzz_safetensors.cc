// A safetensors file as it is; and the input up to its first NUL as a header, with the size that
// belongs in front.
#include "../malformed/formats_builders.h"
#include "fuzz_support.h"
#include "safetensors.h"

using namespace sidenet;

namespace {

void read(std::string_view file) {
  fuzz::refusable("input", [&] {
    for (const auto& [name, tensor] :
         read_safetensors(fuzz::as_bytes(file), nullptr, "input").tensors)
      fuzz::touch(tensor);
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input = fuzz::enlarged({reinterpret_cast<const char*>(data), size});
  read(input);
  std::string_view rest = input;
  const std::string_view header = fuzz::take_until(rest, '\0');
  read(testing::safetensors(std::string(header), std::string(rest)));
  return 0;
}
