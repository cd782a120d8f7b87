// A file of kept weights, and every float of one that is taken; names of files that may be removed.
#include "fuzz_support.h"
#include "weight_cache_file.h"

using namespace sidenet;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::string_view name = "0123456789abcdef0123456789abcdef";
  const std::span<const std::byte> file = std::as_bytes(std::span(data, size));
  for (const std::size_t floats : {std::size_t{0}, std::size_t{4}, std::size_t{48}}) {
    fuzz::refusable("input", [&] {
      const std::span<const float> kept = read_cached_weights(file, name, floats, "input");
      fuzz::expect(kept.size() == floats, "as many as were asked for");
      fuzz::touch(std::as_bytes(kept));
    });
  }
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (is_cached_name(text))
    fuzz::expect(text.ends_with(".weights") && text.size() >= 40, "a name as ours are");
  if (is_unfinished_name(text))
    fuzz::expect(text.size() >= 57 && text.find('/') == text.npos, "a name as ours are");
  return 0;
}
