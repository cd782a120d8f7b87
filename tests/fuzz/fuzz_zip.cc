// torch.save's zip archives, and every entry of any archive.
#include "fuzz_support.h"
#include "pytorch_zip.h"
#include "sidenet/checkpoint.h"
#include "zip_archive.h"

using namespace sidenet;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  fuzz::refusable("input", [&] {
    for (const auto& [name, tensor] : read_pytorch_zip(bytes, nullptr, "input").tensors)
      fuzz::touch(tensor);
  });
  fuzz::refusable("input", [&] {
    ZipArchive archive(bytes, nullptr, "input");
    std::size_t total = 0;
    for (const std::string& name : archive.names()) {
      fuzz::refusable("input", [&] {
        const std::span<const std::byte> entry = archive.read(name, "input").bytes;
        fuzz::touch(entry);
        total += entry.size();
      });
    }
    fuzz::expect(total <= 3 * size + (std::size_t{40} << 20),
                 "no more memory than the file allows");
  });
  return 0;
}
