// A pickle alone, and as the data.pkl of a checkpoint whose checksums are right, with three
// storages.
#include "../malformed/formats_builders.h"
#include "fuzz_support.h"
#include "pickle.h"
#include "sidenet/checkpoint.h"

using namespace sidenet;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input = fuzz::enlarged({reinterpret_cast<const char*>(data), size});
  fuzz::refusable("input", [&] {
    const pickle::Document document = pickle::parse(fuzz::as_bytes(input), 0, "input");
    fuzz::expect(document.end() <= input.size(), "an end within the file");
    fuzz::expect(!pickle::describe(document.root()).empty(), "a description");
  });
  const std::string storage(64, '\1');
  const std::string file = testing::zip_archive({{"a/data.pkl", input},
                                                 {"a/data/0", storage},
                                                 {"a/data/1", storage.substr(0, 24)},
                                                 {"a/data/2", ""}});
  fuzz::refusable("input", [&] {
    for (const auto& [name, tensor] :
         read_checkpoint(fuzz::as_bytes(file), nullptr, "input").tensors)
      fuzz::touch(tensor);
  });
  return 0;
}
